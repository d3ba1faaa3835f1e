package practice

import (
	"fmt"
	"time"
)

// encounter writes a consultation's Encounter (gpconnect.md, 7.4). What was said is in the structure Lists.
func (c *composer) encounter(it *item, e *consultation) object {
	status := "finished"
	if e.Draft {
		status = "unknown"
	}
	const kinds = "http://hl7.org/fhir/v3/ParticipationType"
	took := func(system, code, display string, who object) object {
		return obj("type", []object{concept(system, code, display)}, "individual", who)
	}
	participants := []object{
		took(kinds, "PPRF", "primary performer", c.author(it)),
		took(nhsSystems+"GPConnect-ParticipantType-1", "REC", "recorder", c.author(it)),
	}
	if e.With != "" {
		participants = append(participants, took(kinds, "PART", "Participation", c.person(e.With)))
	}
	period := obj("start", it.at.String())
	var length object
	if e.Minutes > 0 && it.at.timed {
		period = period.with("end", dateTime(it.at.t.Add(time.Duration(e.Minutes)*time.Minute)))
		length = obj("value", e.Minutes, "unit", "minute", "system", "http://unitsofmeasure.org", "code", "min")
	}
	where := surgery
	if e.Branch {
		where = branch
	}
	return c.clinicalResource("Encounter", it.id, it, nil,
		"status", status, "type", []object{c.concept(&it.entry)}, "subject", c.subject(), "participant", participants,
		"period", period, "length", length, "location", []object{obj("location", c.locationOnce(where))},
		"serviceProvider", c.organizationOnce())
}

// structureOf writes the Lists that a consultation is made of: the consultation, its topics, their categories. Their
// order is the source's and has a meaning.
func (c *composer) structureOf(it *item) {
	e, _ := it.contents.(*consultation)
	var topics []object
	for t := range e.Topics {
		topics = append(topics, c.topic(it, &e.Topics[t], t))
	}
	id := c.structureID(it, "")
	c.structureList(id, it, it.words(), "325851000000107", "Consultation", nil, topics)
}

func (c *composer) structureID(it *item, part string) string {
	return c.id("List", c.patient.NHSNumber.Digits()+"/"+it.Key+"/"+part)
}

func (c *composer) structureList(id string, it *item, title, code, display string, extensions, entries []object) object {
	var reason object
	if len(entries) == 0 {
		reason = concept(nhsSystems+"CareConnect-ListEmptyReasonCode-1", "no-content-recorded", "No Content Recorded")
	}
	c.structure = append(c.structure, c.listResource(id, extensions, nil, title, concept(snomed, code, display),
		reference(it.ref()), it.at.dateTime(), c.order("system"), nil, entries, reason))
	return reference("List/" + id)
}

func (c *composer) topic(it *item, t *topic, n int) object {
	var extensions []object
	for _, key := range t.Problems {
		about := c.rec.find(key, it.nth)
		if about == nil || about.Confidential {
			continue
		}
		if link := c.link(about); link != nil {
			extensions = append(extensions, nested(hl7Profiles+"Extension-CareConnect-RelatedProblemHeader-1",
				extension("target", "valueReference", link)))
		}
	}
	var entries []object
	for i := range t.Categories {
		category := &t.Categories[i]
		part := fmt.Sprintf("topic-%d/category-%d", n, i)
		entries = append(entries, c.structureList(c.structureID(it, part), it, category.Title, "24781000000107", "Category (EHR)", nil,
			c.said(it, category.Items, part)))
	}
	part := fmt.Sprintf("topic-%d", n)
	entries = append(entries, c.said(it, t.Items, part)...)
	return c.structureList(c.structureID(it, part), it, t.Title, "25851000000105", "Topic (EHR)", extensions, entries)
}

// said are the entries of a topic or category: items by reference, narrative as comment Observations.
func (c *composer) said(it *item, items []topicItem, part string) []object {
	var entries []object
	for i, said := range items {
		if said.Of == "" {
			entries = append(entries, c.narrative(it, said.Says, fmt.Sprintf("%s/%d", part, i)))
			continue
		}
		if of := c.rec.find(said.Of, it.nth); of != nil {
			if link := c.link(of); link != nil {
				entries = append(entries, link)
			}
		}
	}
	return entries
}

func (c *composer) narrative(it *item, words, part string) object {
	id := c.id("Observation", c.patient.NHSNumber.Digits()+"/"+it.Key+"/"+part)
	c.add(c.clinicalResource("Observation", id, &item{}, nil,
		"status", "final", "code", concept(snomed, "37331000000100", "Comment note"), "subject", c.subject(),
		"context", reference(it.ref()), "effectiveDateTime", it.at.String(), "issued", it.at.dateTime(),
		"performer", []object{c.author(it)}, "comment", words))
	return reference("Observation/" + id)
}
