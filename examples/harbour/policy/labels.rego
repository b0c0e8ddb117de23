# Every thing tells where it belongs: the labels of modules/labels, named in labels.yaml.
package main

import rego.v1

deny_labels contains msg if {
	some resource in input.resource_changes
	is_made(resource)

	# A resource without the attribute cannot have labels.
	tags := object.get(resource.change.after, "tags", {"not": "there"})
	given := object.keys(to_object(tags))
	not "not" in given

	missing := {label | some label in data.labels.required} - given
	count(missing) > 0
	msg := sprintf("%s has no label %s", [resource.address, concat(", ", sort(missing))])
}

is_made(resource) if "create" in resource.change.actions

is_made(resource) if "update" in resource.change.actions

to_object(tags) := tags if is_object(tags)

# What is null, and not left out.
to_object(null) := {}
