package practice

import "fmt"

// referral writes a ReferralRequest (gpconnect.md, 7.8): something that was sent, not something that was done.
func (c *composer) referral(it *item, r *referral) object {
	o := c.clinicalResource("ReferralRequest", it.id, it, nil)
	if r.UBRN != "" {
		system := nhsIDs + "UBRN"
		if c.olderThan(1, 6, 1) {
			system = nhsIDs + "ubr-number"
		}
		o = o.set("identifier", []object{identifier(c.namespace(), it.id), identifier(system, r.UBRN)})
	}
	var recipients []object
	if r.To != "" {
		recipients = []object{c.outside(r.To)}
	}
	return o.with("status", "unknown", "intent", "order", "priority", r.Priority, "subject", c.subject(),
		"context", c.encounterOf(it), "authoredOn", it.at.String(), "requester", obj("agent", c.author(it)),
		"recipient", recipients, "reasonCode", []object{c.concept(&it.entry)}, "description", r.Description,
		"supportingInfo", c.documents(r.Documents), "note", notes(it.Note))
}

// diaryEntry writes a ProcedureRequest with intent plan (gpconnect.md, 7.9). Overdue ones are returned too.
func (c *composer) diaryEntry(it *item, d *diaryEntry) object {
	return c.clinicalResource("ProcedureRequest", it.id, it, nil,
		"status", "active", "intent", "plan", "code", c.concept(&it.entry), "subject", c.subject(),
		"context", c.encounterOf(it), "occurrenceDateTime", d.Due.at(c.now).String(), "authoredOn", it.at.String(),
		"requester", obj("agent", c.author(it)), "note", notes(it.Note))
}

// documents links the documents of an item and puts them into the Bundle, where documents are exported.
func (c *composer) documents(keys []string) []object {
	var links []object
	for _, key := range keys {
		it := c.rec.find(key, 0)
		if it == nil {
			continue
		}
		if link := c.link(it); link != nil {
			links = append(links, link)
			if c.exported(Documents) {
				c.include(it)
			}
		}
	}
	return links
}

// maxDocument is the size in bytes above which a document cannot be fetched (gpconnect.md, 9.3).
const maxDocument = 5 << 20

// document writes a DocumentReference: metadata only. The URL is that of the documents root, which is another endpoint
// with another interaction.
func (c *composer) document(it *item, d *document) object {
	media := d.MediaType
	if media == "" || c.cfg.Style == StyleHex {
		media = "application/octet-stream"
	}
	attachment := obj("contentType", media)
	switch {
	case d.Size > maxDocument:
		attachment = attachment.with("size", d.Size, "title",
			fmt.Sprintf("File size %d bytes greater than maximum allowable (5MB)", d.Size))
	case c.cfg.Roots.Documents != "":
		attachment = attachment.with("url", c.cfg.Roots.Documents+"/Binary/"+it.id, "size", d.Size)
	default:
		attachment = attachment.with("size", d.Size)
	}
	var authors []object
	if d.From != "" {
		authors = []object{c.outside(d.From)}
	}
	return c.clinicalResource("DocumentReference", it.id, it, nil,
		"status", "current", "type", c.concept(&it.entry), "subject", c.subject(), "created", it.at.dateTime(),
		"indexed", c.issued(it), "author", authors,
		"custodian", c.organizationOnce(), "description", d.Description,
		"content", []object{obj("attachment", attachment)}, "context", obj("encounter", c.encounterOf(it)))
}
