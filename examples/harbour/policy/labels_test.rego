package main_test

import data.main
import rego.v1

plan(after) := {"resource_changes": [{
	"address": "sandbox_aws_bucket.copies",
	"change": {"actions": ["create"], "after": after},
}]}

labelled := {"tags": {"estate": "harbour", "environment": "dev", "component": "backups"}}

test_labels_are_there if {
	count(main.deny_labels) == 0 with input as plan(labelled)
}

test_a_missing_label_is_named if {
	messages := main.deny_labels with input as plan({"tags": {"estate": "harbour"}})
	messages == {"sandbox_aws_bucket.copies has no label component, environment"}
}

test_no_labels_at_all if {
	count(main.deny_labels) == 1 with input as plan({"tags": null})
}

test_what_has_no_labels_needs_none if {
	count(main.deny_labels) == 0 with input as plan({"name": "x"})
}
