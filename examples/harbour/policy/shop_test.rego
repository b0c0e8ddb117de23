package shop_test

import data.main

service(image, replicas) = plan {
  plan := {
    "terrace": {"environment": {"name": "prod", "protected": true}},
    "resource_changes": [{
      "address": "sandbox_aws_service.shop",
      "type": "sandbox_aws_service",
      "change": {"actions": ["update"], "after": {"image": image, "replicas": replicas}},
    }],
  }
}

test_an_image_has_a_version {
  count(main.deny_image) == 0 with input as service("harbour/shop:2.8.0", 2)
  count(main.deny_image) == 1 with input as service("harbour/shop:latest", 2)
  count(main.deny_image) == 1 with input as service("registry.example:5000/shop", 2)
}

test_one_copy_is_too_few {
  count(main.warn_replicas) == 1 with input as service("harbour/shop:2.8.0", 1)
  count(main.warn_replicas) == 0 with input as service("harbour/shop:2.8.0", 6)
}
