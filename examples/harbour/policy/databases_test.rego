package databases_test

import data.main
import rego.v1

plan(protected, actions, after) := {
	"terrace": {"environment": {"name": "some", "protected": protected}},
	"resource_changes": [{
		"address": "sandbox_aws_database.shop",
		"type": "sandbox_aws_database",
		"change": {"actions": actions, "after": after},
	}],
}

test_a_replaced_database_is_a_loss if {
	found := main.deny_data_loss with input as plan(true, ["delete", "create"], {"deletion_protection": true})
	{finding.address | some finding in found} == {"sandbox_aws_database.shop"}
}

test_where_nothing_is_protected_it_may_go if {
	count(main.deny_data_loss) == 0 with input as plan(false, ["delete"], null)
}

test_protection_is_asked_for if {
	count(main.deny_deletion_protection) == 1 with input as plan(true, ["create"], {"deletion_protection": false})
	count(main.deny_deletion_protection) == 0 with input as plan(true, ["create"], {"deletion_protection": true})
	count(main.deny_deletion_protection) == 0 with input as plan(false, ["create"], {"deletion_protection": false})
}
