# What runs is known: images have a version, and production survives the loss of one copy. In the syntax before OPA 1.0, which works as well.
package main

services[resource] {
  resource := input.resource_changes[_]
  endswith(resource.type, "_service")
  resource.change.after.image
}

deny_image[msg] {
  resource := services[_]
  not regex.match(`:v?[0-9][^:/]*$`, resource.change.after.image)
  msg := sprintf("%s runs %s: name a version", [resource.address, resource.change.after.image])
}

warn_replicas[msg] {
  resource := services[_]
  input.terrace.environment.protected
  resource.change.after.replicas < 2
  msg := sprintf("%s runs once: nobody serves customers while it restarts", [resource.address])
}
