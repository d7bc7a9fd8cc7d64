//! JSON-RPC 2.0 as it travels: requests in, answers and notifications out.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::fault::Fault;

/// Calls in one batch: a line of the shortest ones would hold half a million, and as many answers.
pub(super) const BATCH_CALLS_MAX: usize = 1000;

/// One call of one method.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    /// What the answer carries; `None` for a notification, which gets no answer.
    pub(super) id: Option<Value>,
    pub(super) method: String,
    /// An object, an array, or null when there are none.
    pub(super) params: Value,
}

/// One line of a client.
#[derive(Debug)]
pub(super) enum Request {
    One(Result<Call, Fault>),
    Batch(Vec<Result<Call, Fault>>),
}

impl Request {
    pub(super) fn parse(line: &[u8]) -> Self {
        match serde_json::from_slice(line) {
            Ok(Value::Array(calls)) if calls.len() > BATCH_CALLS_MAX => {
                Self::One(Err(Fault::batch_too_long(BATCH_CALLS_MAX)))
            }
            Ok(Value::Array(calls)) if !calls.is_empty() => {
                Self::Batch(calls.into_iter().map(Call::from_value).collect())
            }
            Ok(value) => Self::One(Call::from_value(value)),
            Err(error) => Self::One(Err(Fault::not_json(&error))),
        }
    }
}

impl Call {
    fn from_value(value: Value) -> Result<Self, Fault> {
        let Value::Object(mut fields) = value else {
            return Err(Fault::bad_request("a request is an object"));
        };
        if fields.get("jsonrpc") != Some(&json!("2.0")) {
            return Err(Fault::bad_request("jsonrpc must be \"2.0\""));
        }
        let id = take_id(&mut fields)?;
        let Some(Value::String(method)) = fields.remove("method") else {
            return Err(Fault::bad_request("method must be a string"));
        };
        let params = fields.remove("params").unwrap_or_default();
        if !(params.is_object() || params.is_array() || params.is_null()) {
            return Err(Fault::bad_request("params must be an object or an array"));
        }
        Ok(Self { id, method, params })
    }
}

fn take_id(fields: &mut Map<String, Value>) -> Result<Option<Value>, Fault> {
    match fields.remove("id") {
        Some(id) if id.is_string() || id.is_number() || id.is_null() => Ok(Some(id)),
        Some(_) => Err(Fault::bad_request("id must be a string or a number")),
        None => Ok(None),
    }
}

/// The answer to a call.
#[derive(Serialize)]
pub(super) struct Answer {
    jsonrpc: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
    id: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Value),
    Error(Fault),
}

impl Answer {
    pub(super) fn new(id: Value, outcome: Result<Value, Fault>) -> Self {
        let outcome = outcome.map_or_else(Outcome::Error, Outcome::Result);
        Self { jsonrpc: "2.0", outcome, id }
    }

    /// The answer to what could not be understood as a call, so that its id is not known.
    pub(super) fn refusal(fault: Fault) -> Self {
        Self::new(Value::Null, Err(fault))
    }
}

/// Something told without being asked.
#[derive(Serialize)]
pub(super) struct Notification<'a, T> {
    jsonrpc: &'static str,
    method: &'static str,
    params: &'a T,
}

impl<'a, T: Serialize> Notification<'a, T> {
    pub(super) fn new(method: &'static str, params: &'a T) -> Self {
        Self { jsonrpc: "2.0", method, params }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What may stand in a field of a request, fitting or not.
    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            vec(any::<i64>(), 0..3).prop_map(Value::from),
            Just(json!({ "a": 1 })),
        ]
    }

    /// A request, or nearly one.
    fn request() -> impl Strategy<Value = Value> {
        let version = prop_oneof![4 => Just(json!("2.0")), 1 => value()];
        let method = prop_oneof![4 => any::<String>().prop_map(Value::from), 1 => value()];
        let optional = || proptest::option::of(value());
        (version, method, optional(), optional()).prop_map(|(version, method, params, id)| {
            let mut request = json!({ "jsonrpc": version, "method": method });
            for (name, value) in [("params", params), ("id", id)] {
                if let Some(value) = value {
                    request[name] = value;
                }
            }
            request
        })
    }

    /// A line of a client: a request, a batch of them, either cut off, or any bytes.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let request = || request().prop_map(|request| request.to_string().into_bytes());
        let batch = vec(self::request(), 0..5).prop_map(|batch| json!(batch).to_string().into_bytes());
        let cut = (request(), any::<prop::sample::Index>())
            .prop_map(|(line, at)| line[..at.index(line.len())].to_vec());
        prop_oneof![request(), batch, cut, vec(any::<u8>(), 0..100)]
    }

    /// A call is read as it was written; what is none has a code that says so.
    fn assert_sound(call: Result<Call, Fault>) {
        match call {
            Ok(call) => {
                let mut written = json!({ "jsonrpc": "2.0", "method": call.method, "params": call.params });
                if let Some(id) = &call.id {
                    written["id"] = id.clone();
                }
                assert_eq!(one(&written.to_string()).unwrap(), call);
            }
            Err(fault) => {
                let code = serde_json::to_value(fault).unwrap()["code"].clone();
                assert!(code == -32700 || code == -32600, "{code}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_line_is_taken(line in line()) {
            match Request::parse(&line) {
                Request::One(call) => assert_sound(call),
                Request::Batch(calls) => {
                    prop_assert!((1..=BATCH_CALLS_MAX).contains(&calls.len()));
                    calls.into_iter().for_each(assert_sound);
                }
            }
        }
    }

    fn one(line: &str) -> Result<Call, Fault> {
        match Request::parse(line.as_bytes()) {
            Request::One(call) => call,
            Request::Batch(_) => panic!("{line} is no batch"),
        }
    }

    fn code(line: &str) -> i64 {
        let answer = serde_json::to_value(Answer::refusal(one(line).unwrap_err())).unwrap();
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &Value::Null));
        assert!(answer.get("result").is_none());
        answer["error"]["code"].as_i64().unwrap()
    }

    #[test]
    fn a_call_is_read() {
        let call = one(r#"{"jsonrpc":"2.0","method":"version","params":{"a":1},"id":"x"}"#).unwrap();
        assert_eq!(call, Call { id: Some(json!("x")), method: "version".into(), params: json!({"a": 1}) });
    }

    #[test]
    fn without_an_id_it_is_a_notification() {
        let call = one(r#"{"jsonrpc":"2.0","method":"version"}"#).unwrap();
        assert_eq!((call.id, call.params), (None, Value::Null));
        assert_eq!(one(r#"{"jsonrpc":"2.0","method":"m","id":null}"#).unwrap().id, Some(Value::Null));
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for line in ["", "{", "hello", "\u{0}", r#"{"jsonrpc":"2.0","#, &"[".repeat(100_000)] {
            assert_eq!(code(line), -32700, "{line:.20}");
        }
        let Request::One(Err(fault)) = Request::parse(b"\"\xff\"") else { panic!("not UTF-8") };
        assert_eq!(serde_json::to_value(fault).unwrap()["code"], -32700);
    }

    #[test]
    fn what_is_no_request_is_an_invalid_request() {
        for line in [
            "1",
            "[]",
            "{}",
            r#"{"jsonrpc":"1.0","method":"m","id":1}"#,
            r#"{"jsonrpc":"2.0","method":1,"id":1}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":"p","id":1}"#,
            r#"{"jsonrpc":"2.0","method":"m","id":{}}"#,
        ] {
            assert_eq!(code(line), -32600, "{line}");
        }
    }

    #[test]
    fn a_batch_of_too_many_calls_is_refused_whole() {
        let batch = |calls: usize| json!(vec![1; calls]).to_string();
        assert!(matches!(
            Request::parse(batch(BATCH_CALLS_MAX).as_bytes()),
            Request::Batch(calls) if calls.len() == BATCH_CALLS_MAX
        ));
        assert_eq!(code(&batch(BATCH_CALLS_MAX + 1)), -32600);
        assert_eq!(code(&batch(500_000)), -32600);
    }

    #[test]
    fn a_batch_keeps_its_good_calls_beside_bad_ones() {
        let Request::Batch(calls) = Request::parse(br#"[1,{"jsonrpc":"2.0","method":"m","id":1}]"#) else {
            panic!("a batch");
        };
        assert_eq!(calls.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_null_result_is_still_a_result() {
        let answer = serde_json::to_value(Answer::new(json!(1), Ok(Value::Null))).unwrap();
        assert_eq!(answer, json!({"jsonrpc": "2.0", "result": null, "id": 1}));
    }
}
