locals {
  estate = "harbour"
}
