package practice

import "slices"

// relatedTo are the items that a problem names, the actual problem first, each once.
func (c *composer) relatedTo(about *item) []*item {
	contents, _ := about.contents.(*problem)
	var out []*item
	for _, key := range append([]string{contents.Actual}, contents.Related...) {
		if it := c.rec.find(key, about.nth); it != nil && !slices.Contains(out, it) {
			out = append(out, it)
		}
	}
	return out
}

// problem writes a Condition (gpconnect.md, 7.3). It points to its items; they never point back.
func (c *composer) problem(it *item, p *problem) object {
	significance := p.Significance
	if significance == "" {
		significance = "minor"
	}
	extensions := []object{extension(hl7Profiles+"Extension-CareConnect-ProblemSignificance-1", "valueCode", significance)}
	if actual := c.rec.find(p.Actual, it.nth); actual != nil {
		extensions = append(extensions, c.pointer(hl7Profiles+"Extension-CareConnect-ActualProblem-1", actual))
	}
	for _, h := range p.Headers {
		if to := c.rec.find(h.To, it.nth); to != nil && !to.Confidential {
			extensions = append(extensions, nested(hl7Profiles+"Extension-CareConnect-RelatedProblemHeader-1",
				extension("type", "valueCode", h.Type), extension("target", "valueReference", reference(to.ref()))))
		}
	}
	for _, related := range c.relatedTo(it) {
		if related.Key != p.Actual {
			extensions = append(extensions, c.pointer(hl7Profiles+"Extension-CareConnect-RelatedClinicalContent-1", related))
		}
	}
	return c.clinicalResource("Condition", it.id, it, extensions,
		"clinicalStatus", p.Status,
		"category", []object{concept(hl7Systems+"CareConnect-ConditionCategory-1", "problem-list-item", "Problem List Item")},
		"code", c.concept(&it.entry), "subject", c.subject(), "context", c.encounterOf(it),
		"onsetDateTime", it.at.String(), "abatementDateTime", p.Ended.at(c.now).String(),
		"assertedDate", it.at.String(), "asserter", c.author(it), "note", notes(it.Note))
}

// pointer is an extension that links to an item, unless the item is withheld.
func (c *composer) pointer(url string, to *item) object {
	link := c.link(to)
	if link == nil {
		return nil
	}
	return extension(url, "valueReference", link)
}
