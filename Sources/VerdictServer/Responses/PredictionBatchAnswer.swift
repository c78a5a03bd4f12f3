import HTTPTypes
import Hummingbird
import NIOCore
import RowFormats
import VerdictCore

/// The JSON of a batch of predictions. A large one is written in parts at the pace of the client, since explanations and
/// warnings can be a thousand times larger than the rows.
struct PredictionBatchAnswer: Sendable {
  private let text: PredictionFormatter
  private let count: Int
  /// The memory of the rows, which is held until the answer is written.
  private let share: RequestMemory.Reservation

  /// The size of a part in bytes; an answer of one part has a `Content-Length`.
  private static let part = 256 << 10

  init(_ text: PredictionFormatter, _ count: Int, _ share: RequestMemory.Reservation) {
    self.text = text
    self.count = count
    self.share = share
  }

  /// The response.
  func response(_ status: HTTPResponse.Status) throws -> Response {
    var first = Array("{\"predictions\":[".utf8)
    first.reserveCapacity(min(count * 192, Self.part))
    let next = try append(from: 0, to: &first)
    guard next < count else {
      return Response.bytes(status, type: "application/json", ByteBuffer(bytes: first)).holding(share)
    }
    return Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody { [first] output in
        try await output.write(ByteBuffer(bytes: first))
        var row = next
        while row < count {
          var bytes: [UInt8] = []
          row = try append(from: row, to: &bytes)
          try await output.write(ByteBuffer(bytes: bytes))
          // A fast client must not keep a thread from other requests.
          await Task.yield()
        }
        try await output.finish(nil)
        withExtendedLifetime(share) {}
      })
  }

  /// Appends rows until the part is full or the answer complete.
  ///
  /// - Returns: the next row.
  private func append(from first: Int, to bytes: inout [UInt8]) throws -> Int {
    var row = first
    while row < count, bytes.count < Self.part {
      if row > 0 { bytes.append(UInt8(ascii: ",")) }
      try text.appendJSON(row, to: &bytes)
      row += 1
    }
    if row == count { bytes.append(contentsOf: "]}".utf8) }
    return row
  }
}
