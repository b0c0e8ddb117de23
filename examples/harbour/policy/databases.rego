# What customers trust us with: where an environment is protected, no database is lost, and none can be deleted by mistake.
package main

import rego.v1

keeps_data := {"sandbox_aws_database", "sandbox_google_database", "sandbox_aws_bucket", "sandbox_google_bucket"}

deny_data_loss contains {"msg": msg, "address": resource.address} if {
	is_protected
	some resource in input.resource_changes
	resource.type in keeps_data
	"delete" in resource.change.actions
	msg := sprintf("%s holds data of customers and would be deleted", [resource.address])
}

deny_deletion_protection contains msg if {
	is_protected
	some resource in input.resource_changes
	endswith(resource.type, "_database")
	resource.change.after.deletion_protection == false
	msg := sprintf("%s could be deleted: set deletion_protection", [resource.address])
}

is_protected if input.terrace.environment.protected
