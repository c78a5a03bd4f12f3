import HTTPTestSupport

/// A request that must be refused.
struct InvalidRequest: Sendable, CustomStringConvertible {
  /// The fault of the request.
  var description: String
  var method: String
  var path: String
  var headers: [String: String] = ["Content-Type": "application/json"]
  var body: HTTPClient.Payload
  /// The members that the first of the problem's `errors` must have, beside its detail; empty for a problem without locations.
  var location: [String: JSON] = [:]
  /// The expected status.
  var status: Int

  init(
    _ description: String, _ path: String, _ json: String, _ status: Int, _ location: [String: JSON] = [:]
  ) {
    self.init(description, "POST", path, json, status, location)
  }

  init(
    _ description: String, _ method: String, _ path: String, _ json: String, _ status: Int,
    _ location: [String: JSON] = [:]
  ) {
    self.description = description
    self.method = method
    self.path = path
    self.status = status
    self.location = location
    body = .bytes(Array(json.utf8))
  }

  /// The same request with other header fields.
  func with(_ headers: [String: String]) -> InvalidRequest {
    var copy = self
    copy.headers = headers
    return copy
  }

  /// The same request with another body.
  func with(_ body: HTTPClient.Payload) -> InvalidRequest {
    var copy = self
    copy.body = body
    return copy
  }
}

extension InvalidRequest {
  private static let labels = "/v1/datasets/d/labels"
  private static let ndjson = ["Content-Type": "application/x-ndjson"]
  private static let csv = ["Content-Type": "text/csv"]
  private static let gzipped = ["Content-Type": "application/json", "Content-Encoding": "gzip"]
  private static let good = #"{"labels":[{"features":{"x":1},"label":1}]}"#

  private static func pointer(_ pointer: String) -> [String: JSON] { ["pointer": .string(pointer)] }
  private static func line(_ line: Int, _ column: String? = nil) -> [String: JSON] {
    var location: [String: JSON] = ["line": .number(Double(line))]
    if let column { location["column"] = .string(column) }
    return location
  }

  /// JSON batches of labels.
  static let jsonLabels: [InvalidRequest] = [
    .init("a text for a number", labels, row(#"{"x":"abc"}"#), 422, pointer("/labels/0/features/x")),
    .init("a list for a number", labels, row(#"{"x":[1]}"#), 422, pointer("/labels/0/features/x")),
    .init("a boolean for a number", labels, row(#"{"x":true}"#), 422, pointer("/labels/0/features/x")),
    .init("an object for a category", labels, row(#"{"c":{}}"#), 422, pointer("/labels/0/features/c")),
    .init("a fraction for a category", labels, row(#"{"c":1.5}"#), 422, pointer("/labels/0/features/c")),
    .init("a feature that is not there", labels, row(#"{"y":1}"#), 422, pointer("/labels/0/features/y")),
    .init("a number beyond doubles", labels, row(#"{"x":1e400}"#), 422, pointer("/labels/0/features/x")),
    .init("a number beyond models", labels, row(#"{"x":1e151}"#), 422, pointer("/labels/0/features/x")),
    .init("features as a list", labels, row("[1]"), 422, pointer("/labels/0/features")),
    .init(
      "no features", labels, #"{"labels":[{"label":1}]}"#, 422, pointer("/labels/0/features")),
    .init("no label", labels, #"{"labels":[{"features":{}}]}"#, 422, pointer("/labels/0/label")),
    .init("label 2", labels, row("{}", label: "2"), 422, pointer("/labels/0/label")),
    .init("label null", labels, row("{}", label: "null"), 422, pointer("/labels/0/label")),
    .init("label 0.5", labels, row("{}", label: "0.5"), 422, pointer("/labels/0/label")),
    .init(
      "a label as text without positive outcome", labels, row("{}", label: #""yes""#), 422,
      pointer("/labels/0/label")),
    .init(
      "an unknown member of a row", labels, #"{"labels":[{"features":{},"label":1,"size":2}]}"#,
      422,
      pointer("/labels/0/size")),
    .init(
      "an unknown member", labels, #"{"labels":[{"features":{},"label":1}],"dry_run":true}"#, 422,
      pointer("/dry_run")),
    .init(
      "the same key twice", labels,
      #"{"labels":[{"features":{},"label":1,"key":"k"},{"features":{},"label":0,"key":"k"}]}"#, 422,
      pointer("/labels/1/key")),
    .init(
      "a feature twice", labels, row(#"{"x":1,"x":2}"#), 422, pointer("/labels/0/features/x")),
    .init(
      "a number as a key", labels, #"{"labels":[{"features":{},"label":1,"key":7}]}"#, 422,
      pointer("/labels/0/key")),
    .init("an empty batch", labels, #"{"labels":[]}"#, 422, pointer("/labels")),
    .init("no batch", labels, "{}", 422, pointer("/labels")),
    .init("a list for a body", labels, "[]", 422, pointer("")),
    .init("one bad row among good ones", labels, afterGoodRows, 422, pointer("/labels/100/features/x")),
    .init("NaN", labels, row(#"{"x":NaN}"#), 422, pointer("/labels/0/features/x")),
    .init("Infinity", labels, row(#"{"x":-Infinity}"#), 422, pointer("/labels/0/features/x")),
    .init("half a surrogate pair", labels, row(#"{"c":"\ud800"}"#), 422, pointer("/labels/0/features/c")),
    .init("nothing", labels, "", 400),
    .init("half a document", labels, #"{"labels":[{"features":{"x":1}"#, 400),
    .init("something after the document", labels, good + "x", 400),
    .init("2 MB of [", labels, String(repeating: "[", count: 2 << 20), 400),
    .init("2 MB of [ in a row", labels, #"{"labels":"# + String(repeating: "[", count: 2 << 20), 400),
    .init("2 MB of {", labels, String(repeating: #"{"a":"#, count: 400_000), 400),
    InvalidRequest("invalid UTF-8", labels, "", 400)
      .with(
        .bytes(
          Array(#"{"labels":[{"features":{"c":""#.utf8) + [0xC3, 0x28] + Array(#""},"label":1}]}"#.utf8))),
    InvalidRequest("a truncated gzip", labels, "", 400).with(gzipped)
      .with(.bytes(Gzip.stored(Array(good.utf8)).dropLast(20))),
    InvalidRequest("a gzip with a wrong checksum", labels, "", 400).with(gzipped)
      .with(
        .bytes(Gzip.stored(Array(good.utf8)).dropLast(8) + [1, 2, 3, 4, UInt8(good.utf8.count), 0, 0, 0])),
    InvalidRequest("plain JSON with Content-Encoding gzip", labels, good, 400).with(gzipped),
    InvalidRequest("an unknown content coding", labels, good, 415)
      .with(["Content-Type": "application/json", "Content-Encoding": "br"]),
    InvalidRequest("no content type", labels, good, 415).with([:] as [String: String]),
    InvalidRequest("an unsupported content type", labels, good, 415).with(["Content-Type": "application/xml"]
    ),
    InvalidRequest("Content-Length of 65 MiB", labels, "", 413).with(.promised(length: 65 << 20, sent: [])),
    InvalidRequest("an unknown parameter", labels + "?dryrun=1", good, 400, ["parameter": "dryrun"]),
  ]

  private static func row(_ features: String, label: String = "1") -> String {
    #"{"labels":[{"features":\#(features),"label":\#(label)}]}"#
  }

  private static let afterGoodRows: String = {
    let good = String(repeating: #"{"features":{"x":1},"label":1},"#, count: 100)
    return #"{"labels":[\#(good){"features":{"x":"bad"},"label":1}]}"#
  }()

  /// NDJSON and CSV batches of labels.
  static let lineLabels: [InvalidRequest] = [
    InvalidRequest("CSV without the label's column", labels, "x,c\n1,red\n", 422, line(1)).with(csv),
    InvalidRequest("CSV with an unknown column", labels, "x,y,label\n1,2,1\n", 422, line(1, "y")).with(
      csv),
    InvalidRequest("CSV with a repeated column", labels, "x,x,label\n1,2,1\n", 422, line(1, "x")).with(csv),
    InvalidRequest("CSV with label 2", labels, "x,label\n1,0\n1,2\n", 422, line(3, "label")).with(csv),
    InvalidRequest("CSV without a label", labels, "x,label\n1,\n", 422, line(2, "label")).with(csv),
    InvalidRequest("CSV with text in a numeric column", labels, "x,label\n1,1\nabc,1\n", 422, line(3, "x"))
      .with(
        csv),
    InvalidRequest("CSV with NaN", labels, "x,label\nNaN,1\n", 422, line(2, "x")).with(csv),
    InvalidRequest("CSV with inf", labels, "x,label\ninf,1\n", 422, line(2, "x")).with(csv),
    InvalidRequest("CSV with 1e400", labels, "x,label\n1e400,1\n", 422, line(2, "x")).with(csv),
    InvalidRequest("CSV with -1e151", labels, "x,label\n-1e151,1\n", 422, line(2, "x")).with(csv),
    InvalidRequest("CSV with one field too many", labels, "x,label\n1,1,1\n", 422, line(2)).with(csv),
    InvalidRequest("CSV with one field too few", labels, "x,c,label\n1,1\n", 422, line(2)).with(csv),
    InvalidRequest("CSV with an unterminated quote", labels, "x,c,label\n1,\"red,1\n", 400, line(2)).with(
      csv),
    InvalidRequest("CSV with only a header", labels, "x,label\n", 422).with(csv),
    InvalidRequest("empty CSV", labels, "", 400).with(csv),
    InvalidRequest("CSV without its key column", labels + "?key_column=id", "x,label\n1,1\n", 422).with(csv),
    InvalidRequest(
      "CSV with a key twice", labels + "?key_column=id", "id,x,label\na,1,1\na,2,1\n", 422, line(3, "id")
    )
    .with(csv),
    InvalidRequest(
      "CSV with a long delimiter", labels + "?delimiter=abc", "x,label\n1,1\n", 400,
      ["parameter": "delimiter"]
    )
    .with(csv),
    InvalidRequest("CSV in a truncated gzip", labels, "", 400)
      .with(["Content-Type": "text/csv", "Content-Encoding": "gzip"])
      .with(.bytes(Gzip.stored(Array("x,label\n1,1\n2,0\n".utf8)).dropLast(10))),
    InvalidRequest("a stream with Content-Length of 2 GiB", labels, "", 413).with(csv).with(
      .promised(length: 2 << 30, sent: [])),
    InvalidRequest(
      "NDJSON with a bad second line", labels, lines(#"{"features":{"x":"a"},"label":1}"#), 422, line(2)
    )
    .with(ndjson),
    InvalidRequest("NDJSON with an invalid line", labels, lines("nonsense"), 422, line(2)).with(ndjson),
    InvalidRequest(
      "NDJSON with a member too many", labels, lines(#"{"features":{},"label":1,"z":1}"#), 422, line(2)
    )
    .with(ndjson),
    InvalidRequest("NDJSON with label 2", labels, lines(#"{"features":{},"label":2}"#), 422, line(2)).with(
      ndjson),
    InvalidRequest(
      "NDJSON with a deeply nested line", labels, lines(String(repeating: "[", count: 2 << 20)), 413, line(2)
    )
    .with(ndjson),
    InvalidRequest("NDJSON with a truncated line", labels, lines(#"{"features":{"x":1"#), 422, line(2)).with(
      ndjson),
    InvalidRequest("empty NDJSON", labels, "", 422).with(ndjson),
  ]

  private static func lines(_ second: String) -> String {
    #"{"features":{"x":1},"label":1}"# + "\n" + second + "\n"
  }
}

extension InvalidRequest {
  private static let predict = "/v1/datasets/d/predictions"

  /// Requests for predictions.
  static let predictions: [InvalidRequest] = [
    .init("a text for a number", predict, #"{"features":{"x":"a"}}"#, 422, pointer("/features/x")),
    .init("a feature that is not there", predict, #"{"features":{"y":1}}"#, 422, pointer("/features/y")),
    .init("no features", predict, "{}", 422, pointer("/features")),
    .init("an unknown member", predict, #"{"features":{},"label":1}"#, 422, pointer("/label")),
    .init("a number beyond doubles", predict, #"{"features":{"x":-1e400}}"#, 422, pointer("/features/x")),
    .init("a number beyond models", predict, #"{"features":{"x":-1e151}}"#, 422, pointer("/features/x")),
    .init("NaN", predict, #"{"features":{"x":NaN}}"#, 422, pointer("/features/x")),
    .init("half a surrogate pair", predict, #"{"features":{"c":"\udc00"}}"#, 422, pointer("/features/c")),
    .init("a feature twice", predict, #"{"features":{"x":1,"x":1}}"#, 422, pointer("/features/x")),
    .init("nothing", predict, "", 400),
    .init("deep nesting", predict, String(repeating: "[", count: 1 << 20), 400),
    .init("store=maybe", predict + "?store=maybe", #"{"features":{}}"#, 400, ["parameter": "store"]),
    InvalidRequest("Content-Length of 2 MiB", predict, "", 413).with(.promised(length: 2 << 20, sent: [])),
    InvalidRequest("a form body", predict, "x=1", 415).with([
      "Content-Type": "application/x-www-form-urlencoded"
    ]),
    .init("an empty batch", predict + "/batch", #"{"predictions":[]}"#, 422, pointer("/predictions")),
    .init(
      "one invalid row in a batch", predict + "/batch",
      #"{"predictions":[{"features":{}},{"features":{"x":[]}}]}"#, 422,
      pointer("/predictions/1/features/x")),
    .init(
      "a batch of 100,001", predict + "/batch",
      #"{"predictions":["# + String(repeating: #"{"features":{}},"#, count: 100_000) + #"{"features":{}}]}"#,
      422,
      pointer("/predictions")),
    .init(
      "a label 2", "PUT", predict + "/01935a41-2b7c-7d3e-8f10-5a9be3c1d204/label", #"{"label":2}"#, 422,
      pointer("/label")),
    .init(
      "a member beside the label", "PUT", predict + "/01935a41-2b7c-7d3e-8f10-5a9be3c1d204/label",
      #"{"label":1,"note":"x"}"#, 422, pointer("/note")),
  ]

  private static let datasets = "/v1/datasets"
  private static let merge = ["Content-Type": "application/merge-patch+json"]
  private static let x = #"[{"name":"x","type":"continuous"}]"#

  /// All other operations with a body or parameters.
  static let others: [InvalidRequest] = [
    .init("no name", datasets, #"{"features":\#(x)}"#, 422, pointer("/name")),
    .init("a name that is no slug", datasets, #"{"name":"A b","features":\#(x)}"#, 422, pointer("/name")),
    .init("no features", datasets, #"{"name":"n"}"#, 422, pointer("/features")),
    .init("an empty list of features", datasets, #"{"name":"n","features":[]}"#, 422, pointer("/features")),
    .init(
      "an unknown type", datasets, #"{"name":"n","features":[{"name":"x","type":"float"}]}"#, 422,
      pointer("/features/0/type")),
    .init(
      "a repeated feature name", datasets,
      #"{"name":"n","features":[{"name":"x","type":"discrete"},{"name":"x","type":"discrete"}]}"#, 422,
      pointer("/features/1/name")),
    .init(
      "a misspelt member of a policy", datasets,
      #"{"name":"n","features":\#(x),"auto_train":{"enable":true}}"#, 422, pointer("/auto_train/enable")),
    .init(
      "an unknown metric", datasets,
      #"{"name":"n","features":\#(x),"gate":{"metric":"auc","minimum":0.5}}"#, 422, pointer("/gate/metric")),
    .init("a member twice", datasets, #"{"name":"n","name":"m","features":\#(x)}"#, 422, pointer("/name")),
    .init(
      "a lone surrogate in a name", datasets,
      #"{"name":"n","features":[{"name":"\ud800","type":"discrete"}]}"#, 400),
    .init(
      "a NUL in a name", datasets, #"{"name":"n","features":[{"name":"a\u0000b","type":"discrete"}]}"#, 422,
      pointer("/features/0/name")),
    .init("deep nesting", datasets, String(repeating: "[", count: 1 << 20), 400),
    InvalidRequest("Content-Length of 2 MiB", datasets, "", 413).with(.promised(length: 2 << 20, sent: [])),
    InvalidRequest(
      "a gate without a metric", "PATCH", datasets + "/d", #"{"gate":{"minimum":0.5}}"#, 422,
      pointer("/gate/metric")
    )
    .with(merge),
    InvalidRequest("another name", "PATCH", datasets + "/d", #"{"name":"e"}"#, 422, pointer("/name")).with(
      merge),
    InvalidRequest(
      "removal of features", "PATCH", datasets + "/d", #"{"features":\#(x)}"#, 422, pointer("/features")
    )
    .with(merge),
    InvalidRequest("a patch that is an array", "PATCH", datasets + "/d", "[]", 422, pointer("")).with(merge),
    .init(
      "an unknown penalty", datasets + "/d/training-jobs", #"{"penalty":"l3"}"#, 422,
      pointer("/penalty")),
    .init("C = 0", datasets + "/d/training-jobs", #"{"C":0}"#, 422, pointer("/C")),
    .init("C = 1e400", datasets + "/d/training-jobs", #"{"C":1e400}"#, 422, pointer("/C")),
    .init("a seed below 0", datasets + "/d/training-jobs", #"{"seed":-1}"#, 422, pointer("/seed")),
    .init(
      "one fold", datasets + "/d/training-jobs", #"{"validation":{"method":"kfold","folds":1}}"#, 422,
      pointer("/validation/folds")),
    .init(
      "a gap before a random hold-out", datasets + "/d/training-jobs",
      #"{"validation":{"method":"holdout","gap_days":1}}"#, 422, pointer("/validation/gap_days")),
    .init("a role that is not there", "/v1/keys", #"{"name":"k","role":"root"}"#, 422, pointer("/role")),
    .init(
      "an expiry in the past", "/v1/keys",
      #"{"name":"k","role":"read","expires_at":"2001-01-01T00:00:00Z"}"#, 422, pointer("/expires_at")),
    .init(
      "an invalid timestamp", "/v1/keys", #"{"name":"k","role":"read","expires_at":"soon"}"#, 422,
      pointer("/expires_at")),
    .init("a NUL in a key's name", "/v1/keys", #"{"name":"a\u0000","role":"read"}"#, 422, pointer("/name")),
    InvalidRequest(
      "a label that changes its key", "PATCH", datasets + "/d/labels/1", #"{"key":"k"}"#, 422, pointer("/key")
    )
    .with(merge),
    .init(
      "a version as text", "PUT", datasets + "/d/models/active", #"{"version":"one"}"#, 422,
      pointer("/version")),
    .init("limit 0", "GET", datasets + "?limit=0", "", 400, ["parameter": "limit"]),
    .init(
      "an invalid cursor", "GET", datasets + "/d/labels?cursor=%00", "", 400, ["parameter": "cursor"]),
    .init("a parameter twice", "GET", datasets + "?limit=1&limit=2", "", 400, ["parameter": "limit"]),
    .init("no filter", "DELETE", datasets + "/d/labels", "", 400),
    .init(
      "another filter beside all", "DELETE", datasets + "/d/labels?all=true&source=api", "", 400,
      ["parameter": "all"]),
    .init("ids that are none", "DELETE", datasets + "/d/labels?id=1,x", "", 400, ["parameter": "id"]),
    .init("a NUL in a filter", "DELETE", datasets + "/d/labels?key=%00", "", 400, ["parameter": "key"]),
    .init("a name that is no slug in the path", "GET", datasets + "/A%00b", "", 404),
    .init("a path that is not there", "GET", "/v1/nothing", "", 404),
    .init("a method that is not there", "PUT", datasets, "", 405),
  ]
}
