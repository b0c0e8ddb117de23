//! An emulator of AWS on loopback, for the real provider and for states in S3. Owns its process, which lives as long as it is kept, and how
//! tests look into it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::desk::Desk;

/// Where buckets are made.
const S3: &str = "us-east-1/s3";

/// The emulator. It ends when its input does, however the test ends.
pub(crate) struct Emulator {
    process: Child,
    address: String,
}

impl Emulator {
    /// Starts it, from the folder of tools.
    pub(crate) fn start(tools: &Path) -> Self {
        let mut command = Command::new(tools.join("moto"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the emulator starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").expect("its address").to_owned();
        Self { process, address }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Gives a desk credentials, which the emulator takes whatever they are.
    pub(crate) fn surround(desk: &mut Desk) {
        desk.set("AWS_ACCESS_KEY_ID", "test");
        desk.set("AWS_SECRET_ACCESS_KEY", "test");
        desk.set("AWS_EC2_METADATA_DISABLED", "true");
    }

    /// Sends a request to a service of a region (as `eu-west-1/eks`); returns what it answers, if it is content.
    fn ask(&self, place: &str, method: &str, path: &str, body: &str) -> String {
        self.send(place, method, path, "", body)
    }

    /// The same with more headers, each with its end of line.
    fn send(&self, place: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (address, length) = (&self.address, body.len());
        // The service is told by what the request is signed for (Signature Version 4); the emulator looks at no signature.
        let signed =
            format!("AWS4-HMAC-SHA256 Credential=test/20200101/{place}/aws4_request, SignedHeaders=host, Signature=0");
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {signed}\r\n");
        write!(stream, "{head}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, content) = answer.split_once("\r\n\r\n").expect("an answer in HTTP");
        let is_done = head.lines().next().is_some_and(|status| status.contains(" 20"));
        assert!(is_done, "{method} {path}: {answer}");
        content.to_owned()
    }

    /// Makes a bucket.
    pub(crate) fn make_bucket(&self, bucket: &str) {
        self.ask(S3, "PUT", &format!("/{bucket}"), "");
    }

    /// The names of the objects in a bucket, sorted.
    pub(crate) fn objects(&self, bucket: &str) -> Vec<String> {
        let listed = self.ask(S3, "GET", &format!("/{bucket}?list-type=2"), "");
        let keys = listed.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        let mut keys: Vec<_> = keys.map(ToOwned::to_owned).collect();
        keys.sort();
        keys
    }

    /// What an object of a bucket holds.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> String {
        self.ask(S3, "GET", &format!("/{bucket}/{key}"), "")
    }

    /// Puts an object into a bucket, in place of one that is there.
    pub(crate) fn put(&self, bucket: &str, key: &str, content: &str) {
        self.ask(S3, "PUT", &format!("/{bucket}/{key}"), content);
    }

    /// Removes an object from a bucket.
    pub(crate) fn remove(&self, bucket: &str, key: &str) {
        self.ask(S3, "DELETE", &format!("/{bucket}/{key}"), "");
    }

    /// What is recorded of the networks.
    pub(crate) fn networks(&self) -> String {
        self.ask("eu-west-1/ec2", "GET", "/?Action=DescribeVpcs&Version=2016-11-15", "")
    }

    /// Deletes a route of a table.
    pub(crate) fn delete_route(&self, table: &str, destination: &str) {
        let route = format!("RouteTableId={table}&DestinationCidrBlock={destination}");
        self.ask("eu-west-1/ec2", "GET", &format!("/?Action=DeleteRoute&Version=2016-11-15&{route}"), "");
    }

    /// All that is recorded of addresses, security groups, clusters, roles and secrets, whosever they are.
    pub(crate) fn others(&self) -> [String; 5] {
        let ec2 = |what: &str| self.ask("eu-west-1/ec2", "GET", &format!("/?Action={what}&Version=2016-11-15"), "");
        [
            ec2("DescribeAddresses"),
            ec2("DescribeSecurityGroups"),
            self.ask("eu-west-1/eks", "GET", "/clusters", ""),
            self.ask("us-east-1/iam", "GET", "/?Action=ListRoles&Version=2010-05-08", ""),
            self.send("eu-west-1/secretsmanager", "POST", "/", "X-Amz-Target: secretsmanager.ListSecrets\r\n", "{}"),
        ]
    }

    /// What is recorded of the cluster that the example makes.
    pub(crate) fn cluster(&self) -> String {
        self.ask("eu-west-1/eks", "GET", "/clusters/landing-emulator", "")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
