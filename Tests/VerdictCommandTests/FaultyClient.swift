import HTTPTestSupport
import TestSupport

/// Sends random batches one after the other and records the acknowledged ones.
struct FaultyClient: Sendable {
  /// The acknowledged state.
  var model = FaultModel()
  /// The last operation, if its response does not say whether it was applied.
  var open: FaultModel.Operation?
  /// The number of acknowledged requests.
  var acknowledged = 0
  private let number: Int
  private var random: SeededRandom
  private var nextBatch = 0

  init(number: Int, seed: UInt64) {
    self.number = number
    random = SeededRandom(seed: seed &+ UInt64(number) &* 7_919)
  }

  /// Sends requests until one gets no conclusive response or `isOver` is set, and counts the acknowledged ones in `progress`.
  mutating func work(_ client: HTTPClient, progress: Counter, until isOver: Counter) async {
    while isOver.value == 0, open == nil {
      let before = acknowledged
      defer { if acknowledged > before { progress.add() } }
      switch Int.random(in: 0..<10, using: &random) {
      case 0: await cutInTheMiddle(client)
      case 1: await refused(client)
      case 2, 3: await perform(delete(), client)
      case 4, 5, 6: await perform(upsert(), client)
      default: await perform(insert(), client)
      }
    }
  }

  /// Adopts the stored rows, which must equal the acknowledged ones with or without the open request.
  ///
  /// - Returns: whether they equal one of the two.
  mutating func settle(_ stored: FaultModel) -> Bool {
    let isKnown = stored == model || open.map { stored == model.after($0) } == true
    model = stored
    open = nil
    return isKnown
  }

  private mutating func perform(_ operation: FaultModel.Operation, _ client: HTTPClient) async {
    let answer: Answer?
    switch operation {
    case .delete(let key):
      answer = try? await client.send("DELETE", "/v1/datasets/d/labels?key=\(key)")
    case .insert(let batch, let rows):
      answer = try? await post((0..<rows).map { (nil, batch, $0 % 2) }, client)
    case .upsert(let batch, let rows):
      answer = try? await post(rows.map { ($0.key, batch, $0.label) }, client)
    }
    switch answer?.status {
    case 200, 201:
      model = model.after(operation)
      acknowledged += 1
    case let status? where status < 500: break
    // The database can vanish between the commit and its acknowledgement.
    default: open = operation
    }
  }

  private mutating func insert() -> FaultModel.Operation {
    .insert(
      batch: batch(),
      rows: Bool.random(using: &random)
        ? .random(in: 1...50, using: &random) : .random(in: 1...4_000, using: &random))
  }

  private mutating func upsert() -> FaultModel.Operation {
    let count = Int.random(in: 1...150, using: &random)
    let keys = (0..<200).map { "\(number)-\($0)" }.shuffled(using: &random).prefix(count)
    return .upsert(batch: batch(), rows: keys.map { ($0, .random(in: 0...1, using: &random)) })
  }

  private mutating func delete() -> FaultModel.Operation {
    .delete(key: "\(number)-\(Int.random(in: 0..<200, using: &random))")
  }

  private mutating func batch() -> Int {
    nextBatch += 1
    return number * 100_000 + nextBatch
  }

  /// The request announces more bytes than it sends, and the connection is closed.
  private mutating func cutInTheMiddle(_ client: HTTPClient) async {
    let number = batch()
    let lines = Self.ndjson((0..<Int.random(in: 1...5_000, using: &random)).map { (nil, number, $0 % 2) })
    let sent = lines.prefix(.random(in: 0..<lines.count, using: &random))
    var hasty = client
    hasty.timeout = .milliseconds(150)
    _ = try? await hasty.send(
      "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "application/x-ndjson"],
      body: .promised(length: lines.count, sent: Array(sent)))
  }

  /// Thousands of valid rows followed by an invalid one.
  private mutating func refused(_ client: HTTPClient) async {
    let number = batch()
    let rows = Int.random(in: 1...11_000, using: &random)
    let lines = Self.ndjson((0..<rows).map { (nil, number, $0 % 2) }) + Array("{\"features\":{}}\n".utf8)
    _ = try? await client.send(
      "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "application/x-ndjson"], body: .bytes(lines))
  }
}

extension FaultyClient {
  typealias Line = (key: String?, batch: Int, label: Int)

  /// Posts in a random format.
  private mutating func post(_ rows: [Line], _ client: HTTPClient) async throws -> Answer {
    let hasKeys = rows.first?.key != nil
    switch Int.random(in: 0..<3, using: &random) {
    case 0:
      return try await client.send(
        "POST", "/v1/datasets/d/labels\(hasKeys ? "?key_column=key" : "")",
        headers: ["Content-Type": "text/csv"],
        body: .bytes(Self.csv(rows, hasKeys: hasKeys)))
    case 1:
      return try await client.send(
        "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "application/x-ndjson"],
        body: .bytes(Self.ndjson(rows)))
    default:
      let objects = rows.map(Self.object).joined(separator: ",")
      return try await client.send(
        "POST", "/v1/datasets/d/labels", text: #"{"labels":[\#(objects)]}"#)
    }
  }

  private static func object(_ row: Line) -> String {
    let key = row.key.map { ",\"key\":\"\($0)\"" } ?? ""
    return "{\"features\":{\"x\":1.5,\"c\":\"b\(row.batch)\"},\"label\":\(row.label)\(key)}"
  }

  private static func ndjson(_ rows: [Line]) -> [UInt8] {
    var bytes: [UInt8] = []
    for row in rows { bytes += Array("\(object(row))\n".utf8) }
    return bytes
  }

  private static func csv(_ rows: [Line], hasKeys: Bool) -> [UInt8] {
    var bytes = Array("label,c,x\(hasKeys ? ",key" : "")\n".utf8)
    for row in rows {
      bytes += Array("\(row.label),b\(row.batch),1.5\(row.key.map { ",\($0)" } ?? "")\n".utf8)
    }
    return bytes
  }
}
