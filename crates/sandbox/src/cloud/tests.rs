//! The cloud by itself, without a provider.

use std::time::Duration;

use terrace_domain::value::Value;

use super::{
    Call, CallFilter, Cloud, CloudError, CloudInventory, Contained, Effect, Fault, FaultWire, InventoryWire, Operation,
    Outcome, Request, TAMPER_IDENTITY,
};
use crate::kind::ResourceType;
use crate::protocol::object::{self, Object};

fn cloud() -> (tempfile::TempDir, Cloud) {
    let folder = tempfile::tempdir().expect("a folder");
    let cloud = Cloud::open(&folder.path().join("cloud")).expect("a cloud");
    (folder, cloud)
}

fn resource_type(name: &str) -> ResourceType {
    ResourceType::named(name).expect("a type")
}

fn object(resource_type: ResourceType, json: &str) -> Object {
    object::from_json(json.as_bytes(), resource_type.kind.attributes()).expect("JSON").expect("an object")
}

/// Creates a resource and returns its id, or the refusal in words with ids replaced by `ID`.
fn create(cloud: &Cloud, type_name: &str, json: &str) -> Result<String, String> {
    let resource_type = resource_type(type_name);
    let created = cloud.create(resource_type, &object(resource_type, json), &|| true);
    created.map(|created| created.id).map_err(|error| anonymous(&error))
}

fn anonymous(error: &CloudError) -> String {
    let words: Vec<String> =
        error
            .to_string()
            .split('\'')
            .map(|part| {
                if part.starts_with("aws-") || part.starts_with("google-") { "ID".to_owned() } else { part.to_owned() }
            })
            .collect();
    words.join("'")
}

fn network(cloud: &Cloud, name: &str) -> String {
    let json = format!(r#"{{"name": "{name}", "cidr": "10.0.0.0/16", "region": "here"}}"#);
    create(cloud, "sandbox_aws_network", &json).expect("created")
}

fn subnet(cloud: &Cloud, network: &str, name: &str, cidr: &str) -> Result<String, String> {
    let json = format!(r#"{{"name": "{name}", "network_id": "{network}", "cidr": "{cidr}"}}"#);
    create(cloud, "sandbox_aws_subnet", &json)
}

#[test]
fn creation_keeps_to_the_rules() {
    let (_folder, cloud) = cloud();
    let main = network(&cloud, "main");
    let refused = |result: Result<String, String>| result.expect_err("refused");
    subnet(&cloud, &main, "a", "10.0.0.0/24").expect("created");
    assert_eq!(
        refused(subnet(&cloud, &main, "b", "10.0.0.0/23")),
        "InvalidSubnet.Conflict: 10.0.0.0/23 overlaps 10.0.0.0/24 of the subnet 'ID'"
    );
    assert_eq!(
        refused(subnet(&cloud, &main, "a", "10.0.1.0/24")),
        "ResourceAlreadyExists: a subnet named 'a' exists already: 'ID'"
    );
    let other = network(&cloud, "other");
    subnet(&cloud, &other, "a", "10.0.0.0/24").expect("another network has names and addresses of its own");
    let elsewhere = format!(r#"{{"name": "c", "network_id": "{main}", "cidr": "10.0.9.0/24", "region": "there"}}"#);
    assert_eq!(
        refused(create(&cloud, "sandbox_aws_subnet", &elsewhere)),
        "InvalidParameterValue: region is there, but the network 'ID' that holds this subnet is in here"
    );
    let other_cloud = format!(r#"{{"name": "c", "network_id": "{main}", "cidr": "10.0.9.0/24"}}"#);
    assert_eq!(
        refused(create(&cloud, "sandbox_google_subnet", &other_cloud)),
        "notFound: the network 'ID' does not exist"
    );
    assert_eq!(
        refused(create(&cloud, "sandbox_aws_vault", r#"{"name": "v"}"#)),
        "InvalidParameterValue: region is needed: give it here or to the provider"
    );
    assert_eq!(
        refused(create(&cloud, "sandbox_aws_network", r#"{"name": "n", "region": "here"}"#)),
        "InvalidParameterValue: cidr must be given"
    );
}

#[test]
fn records_of_one_name_and_different_types_stand_side_by_side() {
    let (_folder, cloud) = cloud();
    let zone = create(&cloud, "sandbox_aws_dns_zone", r#"{"domain": "x.test", "region": "here"}"#).expect("created");
    let record = |kind: &str| {
        let json =
            format!(r#"{{"zone_id": "{zone}", "name": "www", "type": "{kind}", "values": ["anything at all"]}}"#);
        create(&cloud, "sandbox_aws_dns_record", &json)
    };
    record("A").expect("created");
    record("TXT").expect("created");
    assert!(record("A").is_err());
}

#[test]
fn updates_keep_to_the_rules_also_without_a_plan() {
    let (_folder, cloud) = cloud();
    let main = network(&cloud, "main");
    let resource_type = resource_type("sandbox_aws_database");
    let json = |name: &str, size: u32| {
        let json = format!(
            r#"{{"name": "{name}", "network_id": "{main}", "engine": "e", "version": "1", "size_gb": {size}, "region": "here"}}"#
        );
        object(resource_type, &json)
    };
    let created = cloud.create(resource_type, &json("d", 20), &|| true).expect("created");
    let update = |desired: Object| {
        cloud.update(resource_type, &created.id, &desired, &|| true).map_err(|error| anonymous(&error))
    };
    let grown = update(json("d", 30)).expect("updated");
    assert_eq!(grown.attributes["password"], created.attributes["password"]);
    assert_eq!(
        update(json("d", 10)).expect_err("refused"),
        "InvalidParameterValue: size_gb can only grow in place: it is 30 and would become 10"
    );
    assert_eq!(update(json("e", 30)).expect_err("refused"), "InvalidParameterValue: name cannot be changed in place");
    let gone = cloud.update(resource_type, "aws-database-0", &json("d", 30), &|| true).expect_err("refused");
    assert_eq!(anonymous(&gone), "ResourceNotFoundException: the database 'ID' does not exist");
}

#[test]
fn nothing_is_done_for_a_caller_who_went_away() {
    let (_folder, cloud) = cloud();
    let main = network(&cloud, "main");
    let network = resource_type("sandbox_aws_network");
    let before = cloud.inventory().expect("readable");
    let desired = object(network, r#"{"name": "late", "cidr": "10.0.0.0/8", "region": "here"}"#);
    assert!(matches!(cloud.create(network, &desired, &|| false), Err(CloudError::Abandoned)));
    let desired = object(network, r#"{"name": "main", "cidr": "10.0.0.0/16", "region": "here", "tags": {"a": "b"}}"#);
    assert!(matches!(cloud.update(network, &main, &desired, &|| false), Err(CloudError::Abandoned)));
    assert!(matches!(cloud.delete(network, &main, &|| false), Err(CloudError::Abandoned)));
    assert_eq!(cloud.inventory().expect("readable"), before);
    cloud.delete(network, &main, &|| true).expect("deleted");
    cloud.delete(network, &main, &|| true).expect("gone is as good as deleted");
}

fn fault(effect: Effect, times: Option<u32>) -> Fault {
    let all = || "*".to_owned();
    Fault { matching: "aws/*".to_owned(), operation: None, name: all(), identity: all(), effect, times }
}

fn request(operation: Operation, type_name: &str, name: &str) -> Request {
    Request {
        identity: "dev/network".to_owned(),
        operation,
        resource_type: resource_type(type_name),
        name: name.to_owned(),
        id: String::new(),
        region: Some("here".to_owned()),
    }
}

#[test]
fn faults_hit_what_they_match_as_often_as_they_say() {
    let (_folder, cloud) = cloud();
    let late = Fault { name: "db-*".to_owned(), ..fault(Effect::SucceedLate, Some(2)) };
    let hang = Fault {
        operation: Some(Operation::Delete),
        identity: "dev/*".to_owned(),
        ..fault(Effect::TimeOut { after: Duration::from_secs(3) }, None)
    };
    cloud.add_fault(&late).expect("added");
    let id = cloud.add_fault(&hang).expect("added");
    let admit = |operation, type_name: &str, name: &str| {
        cloud.admit(&request(operation, type_name, name)).expect("admitted").effect
    };
    assert_eq!(admit(Operation::Read, "sandbox_google_network", "db-1"), None);
    assert_eq!(admit(Operation::Read, "sandbox_aws_network", "web"), None);
    assert_eq!(admit(Operation::Delete, "sandbox_aws_network", "db-1"), Some(Effect::SucceedLate));
    assert_eq!(cloud.faults().expect("faults")[0].fault.times, Some(1));
    assert_eq!(admit(Operation::Create, "sandbox_aws_bucket", "db-2"), Some(Effect::SucceedLate));
    assert_eq!(admit(Operation::Create, "sandbox_aws_bucket", "db-2"), None, "used up");
    for _ in 0..3 {
        assert_eq!(admit(Operation::Delete, "sandbox_aws_bucket", "x"), Some(hang.effect.clone()));
    }
    let faults = cloud.faults().expect("faults");
    assert_eq!((faults.len(), &faults[0].fault), (1, &hang));
    let wire = serde_json::to_value(FaultWire::from(&faults[0])).expect("JSON");
    assert_eq!(
        (&wire["effect"], &wire["after_ms"], &wire["operation"]),
        (&"time-out".into(), &3000.into(), &"delete".into())
    );
    assert!(cloud.remove_fault(id).expect("removed"));
    assert!(!cloud.remove_fault(id).expect("none"));
    cloud.add_fault(&late).expect("added");
    assert_eq!(cloud.clear_faults().expect("cleared"), 1);
}

#[test]
fn faults_that_make_no_sense_are_refused() {
    let (_folder, cloud) = cloud();
    let refused = |fault: &Fault| cloud.add_fault(fault).expect_err("refused").to_string();
    let glob = Fault { name: "[".to_owned(), ..fault(Effect::SucceedLate, None) };
    assert!(refused(&glob).starts_with("`[` is not a pattern: "), "{}", refused(&glob));
    assert_eq!(refused(&fault(Effect::SucceedLate, Some(0))), "a fault that happens 0 times does nothing");
    let lose = Fault { operation: Some(Operation::Lose), ..fault(Effect::SucceedLate, None) };
    assert_eq!(refused(&lose), "a fault cannot hit `lose`: Terraform does not do it");
    let long = fault(Effect::TimeOut { after: Duration::from_hours(25) }, None);
    assert_eq!(refused(&long), "a call hangs at most 86400 s");
    assert_eq!(cloud.faults().expect("faults"), []);
}

#[test]
fn latency_scales_what_real_clouds_take() {
    let (_folder, cloud) = cloud();
    let takes = |operation| cloud.admit(&request(operation, "sandbox_aws_cluster", "c")).expect("admitted").takes;
    assert_eq!(takes(Operation::Create), Duration::ZERO);
    cloud.set_latency(0.01).expect("set");
    assert_eq!(
        [Operation::Create, Operation::Update, Operation::Delete, Operation::Read].map(takes),
        [6, 2, 3, 0].map(Duration::from_secs)
    );
    for wrong in [-1.0, 11.0, f64::NAN, f64::INFINITY] {
        assert!(cloud.set_latency(wrong).is_err(), "{wrong}");
    }
    assert!((cloud.latency().expect("set") - 0.01).abs() < f64::EPSILON);
}

#[test]
fn a_lost_region_takes_no_calls() {
    let (_folder, cloud) = cloud();
    let main = network(&cloud, "main");
    subnet(&cloud, &main, "a", "10.0.0.0/24").expect("created");
    assert_eq!(cloud.lose_region("here").expect("lost"), 2);
    assert_eq!(cloud.lost_regions().expect("regions"), ["here"]);
    let refused = cloud.admit(&request(Operation::Read, "sandbox_aws_network", "main")).expect_err("refused");
    assert_eq!(refused.to_string(), "ServiceUnavailable: the region here is not available");
    let json = r#"{"name": "v", "region": "here"}"#;
    assert!(create(&cloud, "sandbox_google_vault", json).expect_err("refused").starts_with("backendError: "));
    assert!(cloud.restore_region("here").expect("restored"));
    assert!(!cloud.restore_region("here").expect("was not lost"));
    create(&cloud, "sandbox_google_vault", json).expect("created");
    assert!(cloud.lose_region("").is_err());
}

#[test]
fn tampering_finds_what_people_mean_and_keeps_values_sane() {
    let (_folder, cloud) = cloud();
    let main = network(&cloud, "main");
    subnet(&cloud, &main, "a", "10.0.0.0/24").expect("created");
    create(&cloud, "sandbox_google_network", r#"{"name": "main", "cidr": "10.0.0.0/8", "region": "there"}"#)
        .expect("created");
    let refused = |target: &str, attribute: &str, value: &str| {
        cloud.tamper_set(target, attribute, value).expect_err("refused").to_string()
    };
    assert!(
        refused("network/main", "cidr", "10.0.0.0/9")
            .starts_with("`network/main` is more than one resource: aws-network-")
    );
    assert_eq!(refused("network/none", "cidr", "x"), "there is no resource `network/none`: give an id or KIND/NAME");
    assert_eq!(refused(&main, "colour", "red"), "a network has no attribute `colour`");
    assert_eq!(refused(&main, "id", "aws-network-1"), "`id` of a network cannot be changed");
    assert_eq!(refused(&main, "tags", "red"), "`tags` must be a map of texts");
    assert!(refused("aws/network/main", "cidr", "ten").contains("must be an IPv4 network"));
    assert!(refused("subnet/a", "cidr", "11.0.0.0/24").contains("is not inside 10.0.0.0/16"));
    assert_eq!(cloud.tamper_set("aws/network/main", "tags", r#"{"by": "hand"}"#).expect("tampered").id, main);
    cloud.tamper_set("subnet/a", "name", "renamed").expect("tampered");
    assert_eq!(cloud.tamper_delete("aws/subnet/renamed").expect("deleted").name, "renamed");
    cloud.tamper_delete("aws/network/main").expect("no longer in use");
    let calls = cloud.calls(&CallFilter { identity: Some(TAMPER_IDENTITY.to_owned()), ..CallFilter::default() });
    let operations: Vec<_> = calls.expect("calls").into_iter().map(|call| (call.operation, call.name)).collect();
    let expected = [(Operation::Update, "main"), (Operation::Update, "renamed"), (Operation::Delete, "renamed")];
    assert_eq!(operations[..3], expected.map(|(operation, name)| (operation, name.to_owned())));
}

#[test]
fn calls_are_filtered_and_the_newest_are_kept() {
    let (_folder, cloud) = cloud();
    let call = |name: String, operation, outcome| Call {
        at: super::operate::now(),
        identity: "dev/network".to_owned(),
        operation,
        vendor: Some(crate::kind::Vendor::Aws),
        kind: "network".to_owned(),
        name,
        id: String::new(),
        outcome,
        duration_ms: 7,
    };
    for index in 0..5 {
        let outcome = if index == 3 { Outcome::Failed("no".to_owned()) } else { Outcome::Done };
        let operation = if index % 2 == 0 { Operation::Create } else { Operation::Read };
        cloud.record(&call(format!("n{index}"), operation, outcome)).expect("recorded");
    }
    let names = |filter: &CallFilter| -> String {
        cloud.calls(filter).expect("calls").into_iter().map(|call| call.name).collect::<Vec<_>>().join(" ")
    };
    let all = CallFilter::default;
    assert_eq!(names(&all()), "n0 n1 n2 n3 n4");
    assert_eq!(names(&CallFilter { limit: Some(2), ..all() }), "n3 n4");
    assert_eq!(names(&CallFilter { operation: Some(Operation::Create), ..all() }), "n0 n2 n4");
    assert_eq!(names(&CallFilter { outcome: Some("failed".to_owned()), ..all() }), "n3");
    assert_eq!(names(&CallFilter { name: Some("n[01]".to_owned()), ..all() }), "n0 n1");
    assert_eq!(names(&CallFilter { matching: Some("google/*".to_owned()), ..all() }), "");
    assert_eq!(names(&CallFilter { identity: Some("dev/*".to_owned()), limit: Some(1), ..all() }), "n4");
    assert!(cloud.calls(&CallFilter { name: Some("[".to_owned()), ..all() }).is_err());

    // As if there had been many more: the next call pushes out all that are too old.
    cloud
        .store
        .write(|tx| Ok(tx.execute("UPDATE call SET id = id + ?1 WHERE id > 2", [super::call::CALLS_MAX])?))
        .expect("moved");
    cloud.record(&call("newest".to_owned(), Operation::Read, Outcome::Done)).expect("recorded");
    assert_eq!(names(&all()), "n2 n3 n4 newest");
}

/// A resource with what it holds, in one line.
fn draw(contained: &Contained) -> String {
    let held: Vec<String> = contained.holds.iter().map(draw).collect();
    let held = if held.is_empty() { String::new() } else { format!("({})", held.join(" ")) };
    format!("{}:{}{held}", contained.resource.kind, contained.resource.name)
}

#[test]
fn the_inventory_is_a_tree_without_secrets() {
    let (_folder, cloud) = cloud();
    let main = network(&cloud, "main");
    subnet(&cloud, &main, "b", "10.0.1.0/24").expect("created");
    subnet(&cloud, &main, "a", "10.0.0.0/24").expect("created");
    let cluster = format!(r#"{{"name": "c", "network_id": "{main}", "subnet_ids": [], "version": "1.31"}}"#);
    let cluster = create(&cloud, "sandbox_aws_cluster", &cluster).expect("created");
    let service = format!(r#"{{"name": "web", "cluster_id": "{cluster}", "image": "i", "replicas": 1}}"#);
    create(&cloud, "sandbox_aws_service", &service).expect("created");
    let vault = create(&cloud, "sandbox_aws_vault", r#"{"name": "v", "region": "here"}"#).expect("created");
    let secret = format!(r#"{{"name": "s", "vault_id": "{vault}", "value": "hunter2"}}"#);
    create(&cloud, "sandbox_aws_secret", &secret).expect("created");
    create(&cloud, "sandbox_google_bucket", r#"{"name": "b", "region": "there"}"#).expect("created");
    cloud.lose_region("gone").expect("lost");

    let inventory = cloud.inventory().expect("readable");
    let drawn = |cloud: &CloudInventory| {
        let regions = cloud.regions.iter().map(|region| {
            format!("{}: {}", region.region, region.resources.iter().map(draw).collect::<Vec<_>>().join(" "))
        });
        format!("{} {}", cloud.vendor, regions.collect::<Vec<_>>().join("; "))
    };
    assert_eq!(
        inventory.clouds.iter().map(drawn).collect::<Vec<_>>(),
        [
            "aws here: network:main(cluster:c(service:web) subnet:a subnet:b) vault:v(secret:s)",
            "google there: bucket:b",
        ]
    );
    assert_eq!((inventory.count(), &inventory.lost_regions[..]), (8, &["gone".to_owned()][..]));
    let json = serde_json::to_string(&InventoryWire::from(&inventory)).expect("JSON");
    assert!(!json.contains("hunter2") && !json.contains("password"), "{json}");
    assert!(json.contains(r#""kind":"secret","name":"s""#), "{json}");
    cloud.reset().expect("reset");
    let empty = cloud.inventory().expect("readable");
    assert_eq!((empty.count(), empty.lost_regions.len()), (0, 0));
}

#[test]
fn two_handles_on_one_file_write_side_by_side() {
    const EACH: usize = 50;
    let (_folder, first) = cloud();
    let second = Cloud::open(first.path()).expect("a second handle");
    std::thread::scope(|scope| {
        for (prefix, cloud) in [("a", &first), ("b", &second), ("c", &first), ("d", &second)] {
            scope.spawn(move || {
                for index in 0..EACH {
                    network(cloud, &format!("{prefix}{index}"));
                }
            });
        }
    });
    assert_eq!(first.inventory().expect("readable").count(), 4 * EACH);
    // Of those who want one name, one gets it.
    let won = std::sync::atomic::AtomicUsize::default();
    std::thread::scope(|scope| {
        for cloud in [&first, &second, &first, &second] {
            scope.spawn(|| {
                if create(cloud, "sandbox_aws_bucket", r#"{"name": "b", "region": "here"}"#).is_ok() {
                    won.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(won.into_inner(), 1);
}

#[test]
fn host_names_are_made_of_any_name() {
    let (_folder, cloud) = cloud();
    let resource_type = resource_type("sandbox_aws_bucket");
    let name = "Über_Größe/".repeat(20);
    let desired = Object::from([("name", Value::String(name)), ("region", Value::String("here".to_owned()))]);
    let created = cloud.create(resource_type, &desired, &|| true).expect("created");
    let url = object::text(&created.attributes, "url").expect("a URL");
    let host = url.strip_prefix("https://").expect("a URL");
    assert!(host.is_ascii() && host.split('.').all(|label| !label.is_empty() && label.len() <= 63), "{host}");
}
