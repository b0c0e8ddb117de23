//! A plan of any size, as `terraform show -json` prints one: made of the same few kinds of resources again and again, with all sections that
//! real plans have.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

/// How large a plan Terrace is built for, in bytes.
pub const PLAN_BYTES: u64 = 500_000_000;

/// Writes a plan of about so many bytes; returns how many resources it is about.
pub fn write_plan(out: &mut impl Write, bytes: u64) -> io::Result<usize> {
    let each: u64 = (0..KINDS).map(|at| size_of(at) as u64).sum::<u64>() / KINDS as u64;
    let count = usize::try_from(bytes / each).unwrap_or(usize::MAX);
    write!(
        out,
        r#"{{"format_version":"1.2","terraform_version":"1.11.4","variables":{{"region":{{"value":"eu-west-1"}}}},"#
    )?;
    write!(out, r#""planned_values":{{"root_module":{{"resources":["#)?;
    list(out, count, planned)?;
    write!(out, r#"]}}}},"resource_drift":["#)?;
    list(out, count / 100, drifted)?;
    write!(out, r#"],"resource_changes":["#)?;
    list(out, count, changed)?;
    write!(
        out,
        r#"],"output_changes":{{"url":{{"actions":["update"],"before":"a","after":"b","after_unknown":false,"#
    )?;
    write!(out, r#""before_sensitive":false,"after_sensitive":false}}}},"prior_state":{{"format_version":"1.0","#)?;
    write!(out, r#""terraform_version":"1.11.4","values":{{"root_module":{{"resources":["#)?;
    list(out, count, planned)?;
    write!(out, r#"]}}}}}},"configuration":{{"root_module":{{"resources":["#)?;
    list(out, count, configured)?;
    write!(out, r#"]}}}},"timestamp":"2026-01-01T00:00:00Z","applyable":true,"complete":true,"errored":false}}"#)?;
    writeln!(out)?;
    Ok(count)
}

/// How many resources there are until one is like the first.
const KINDS: usize = 16;

fn list(out: &mut impl Write, count: usize, one: impl Fn(usize) -> Json) -> io::Result<()> {
    for at in 0..count {
        if at > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut *out, &one(at))?;
    }
    Ok(())
}

fn size_of(at: usize) -> usize {
    [planned(at), planned(at), changed(at), configured(at)].map(|part| part.to_string().len() + 1).iter().sum()
}

fn head(at: usize) -> Json {
    let resource_type = ["aws_instance", "aws_db_instance", "aws_security_group", "aws_kms_key"][at / 4 % 4];
    json!({
        "address": format!("module.service[\"shop-{}\"].{resource_type}.main[{}]", at / 64, at % 64), "mode": "managed",
        "type": resource_type, "name": "main", "index": at % 64, "provider_name": "registry.terraform.io/hashicorp/aws",
    })
}

fn values(at: usize, generation: usize) -> Json {
    let tags: Json = (0..12)
        .map(|tag| (format!("tag-{tag}"), format!("value {tag} of {at}").into()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "id": format!("i-{at:017x}"), "arn": format!("arn:aws:ec2:eu-west-1:123456789012:instance/i-{at:017x}"),
        "ami": format!("ami-{generation:08x}"), "availability_zone": "eu-west-1a", "instance_type": "m7g.large", "monitoring": true,
        "cpu_core_count": 2, "ebs_optimized": false, "user_data_replace_on_change": null, "tags": tags, "tags_all": tags,
        "user_data": format!("#!/bin/sh\nset -e\nexec /usr/bin/service --name \"shop-{at}\" --generation {generation}\n"),
        "password": format!("hunter{at}"), "vpc_security_group_ids": [format!("sg-{at:017x}"), "sg-00000000000000001"],
        "root_block_device": [{ "device_name": "/dev/xvda", "encrypted": true, "volume_size": 20 + generation, "volume_type": "gp3", "tags": {} }],
        "ebs_block_device": [], "metadata_options": [{ "http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1 }],
    })
}

fn planned(at: usize) -> Json {
    let mut one = head(at);
    one["schema_version"] = 1.into();
    one["values"] = values(at, 1);
    one["sensitive_values"] =
        json!({ "password": true, "tags": {}, "tags_all": {}, "root_block_device": [{ "tags": {} }] });
    one
}

fn changed(at: usize) -> Json {
    let (before, after) = (values(at, 1), values(at, 2));
    let actions = match at % KINDS {
        0 => json!(["create"]),
        1 => json!(["delete"]),
        2 => json!(["delete", "create"]),
        3..=7 => json!(["update"]),
        _ => json!(["no-op"]),
    };
    let mut one = head(at);
    one["change"] = json!({
        "actions": actions,
        "before": if actions == json!(["create"]) { Json::Null } else { before.clone() },
        "after": if actions == json!(["delete"]) { Json::Null } else if actions == json!(["no-op"]) { before } else { after },
        "after_unknown": if actions == json!(["create"]) { json!({ "id": true, "arn": true, "tags": {} }) } else { json!({ "tags": {} }) },
        "before_sensitive": { "password": true, "tags": {} }, "after_sensitive": { "password": true, "tags": {} },
    });
    if actions == json!(["delete", "create"]) {
        one["change"]["replace_paths"] = json!([["ami"]]);
        one["action_reason"] = "replace_because_cannot_update".into();
    }
    one
}

fn drifted(at: usize) -> Json {
    changed(at * KINDS + 3)
}

fn configured(at: usize) -> Json {
    let mut one = head(at);
    one["expressions"] = json!({ "ami": { "references": ["var.ami"] }, "instance_type": { "constant_value": "m7g.large" },
        "tags": { "references": ["local.tags", "each.key", "each.value"] } });
    one
}
