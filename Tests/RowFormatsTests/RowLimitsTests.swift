import Synchronization
import Testing

@testable import RowFormats

/// The limits of what an input expands to, checked while it is read.
@Suite struct RowLimitsTests {
  private struct Refused: Error, Equatable {}

  /// Counts what a reader asks for, and refuses beyond a limit.
  private final class Ledger: Sendable {
    private let state = Mutex(0)
    let limit: Int

    init(limit: Int = .max) { self.limit = limit }

    var peak: Int { state.withLock { $0 } }

    @Sendable func reserve(_ bytes: Int) throws {
      guard bytes <= limit else { throw Refused() }
      state.withLock { $0 = max($0, bytes) }
    }
  }

  private let wide = RowSchema(
    features: (0..<1_000).map { Feature(name: "f\($0)", type: .continuous, slot: $0) })
  private let emptyRow = "{\"features\":{}}"

  private func envelope(_ name: String, _ row: String, _ count: Int) -> [UInt8] {
    Array("{\"\(name)\":[\(Array(repeating: row, count: count).joined(separator: ","))]}".utf8)
  }

  @Test func `memory is asked for before rows take it`() throws {
    let ledger = Ledger(limit: 1 << 20)
    let reader = PredictionReader(schema: wide, limits: RowLimits(reserve: ledger.reserve))
    // 130 rows are 2 kB of text and a megabyte of numbers.
    #expect(throws: Refused()) { try reader.readBatch(envelope("predictions", emptyRow, 100_000)) }
    #expect(ledger.peak <= 1 << 20)
    let rows = try reader.readBatch(envelope("predictions", emptyRow, 130))
    #expect(rows.count == 130 && rows.byteCount == 130 * 8_000)
    #expect(ledger.peak >= rows.byteCount)
    let labels = JSONLabelReader(schema: wide, limits: RowLimits(reserve: ledger.reserve))
    let label = "{\"features\":{},\"label\":1}"
    #expect(throws: Refused()) { try labels.read(envelope("labels", label, 1_000)) }
    #expect(throws: Refused()) { try labels.readSkipping(envelope("labels", label, 1_000).span.bytes) }
  }

  @Test func `small rows need no reservation`() throws {
    let ledger = Ledger(limit: 0)
    let schema = RowSchema(features: [Feature(name: "x", type: .continuous, slot: 0)])
    let reader = PredictionReader(schema: schema, limits: RowLimits(reserve: ledger.reserve))
    #expect(try reader.readBatch(envelope("predictions", "{\"features\":{\"x\":1}}", 100)).count == 100)
  }

  @Test func `reading ends at the first row too many`() throws {
    let ledger = Ledger()
    let reader = PredictionReader(schema: wide, limits: RowLimits(rows: 100, reserve: ledger.reserve))
    #expect(throws: TooManyRows(limit: 100)) {
      try reader.readBatch(envelope("predictions", emptyRow, 50_000))
    }
    #expect(ledger.peak < 2 << 20)
    #expect(try reader.readBatch(envelope("predictions", emptyRow, 100)).count == 100)
  }

  @Test(arguments: ["ndjson", "csv"])
  func `a stream returns wide rows in batches of bytes`(format: String) throws {
    let ledger = Ledger()
    let limits = RowLimits(batchBytes: 1 << 20, reserve: ledger.reserve)
    let isCSV = format == "csv"
    let text = isCSV ? "f0,label\n" : ""
    let row = isCSV ? "1,1\n" : "{\"features\":{\"f0\":1},\"label\":1}\n"
    let bytes = Array((text + String(repeating: row, count: 5_000)).utf8)
    let reader: any LabelStreamReader =
      isCSV
      ? CSVLabelReader(schema: wide, rowLimits: limits) : NDJSONLabelReader(schema: wide, rowLimits: limits)
    var sizes: [Int] = []
    func take(_ batch: RowBatch?) {
      if let batch { sizes.append(batch.count) }
    }
    for start in stride(from: 0, to: bytes.count, by: 100_000) {
      var batch = try reader.feed(Array(bytes[start..<min(start + 100_000, bytes.count)]))
      while batch != nil {
        take(batch)
        batch = try reader.more()
      }
    }
    while let batch = try reader.finish() { take(batch) }
    #expect(sizes.reduce(0, +) == 5_000)
    #expect(sizes.allSatisfy { $0 <= 132 })
    #expect(ledger.peak < 2 << 20)
    #expect(try reader.finish() == nil)
  }

  @Test(arguments: ["ndjson", "csv"])
  func `a stream of predictions keeps the places of refused rows in every part`(format: String) throws {
    let limits = RowLimits(batchBytes: 64 << 10)
    let isCSV = format == "csv"
    let good = isCSV ? "1\n" : "{\"features\":{\"f0\":1}}\n"
    let bad = isCSV ? "x\n" : "{\"features\":{\"f0\":\"x\"}}\n"
    let text = (isCSV ? "f0\n" : "") + String(repeating: good + good + bad, count: 200)
    let reader: any PredictionStreamReader =
      isCSV
      ? CSVPredictionReader(schema: wide, limits: limits)
      : NDJSONPredictionReader(schema: wide, limits: limits)
    var chunks: [PredictionChunk] = []
    var chunk = try reader.feed(Array(text.utf8))
    while let next = chunk {
      chunks.append(next)
      chunk = try reader.more()
    }
    while let next = try reader.finish() { chunks.append(next) }
    #expect(chunks.count > 20)
    let lines = chunks.flatMap(\.refused).map(\.line)
    #expect(lines == (1...200).map { $0 * 3 + (isCSV ? 1 : 0) })
    #expect(chunks.reduce(0) { $0 + $1.batch.count } == 400)
    #expect(chunks.allSatisfy { $0.batch.byteCount <= 80 << 10 })
  }

  @Test func `a document may have a number of tokens`() throws {
    let text = Array("[[1,2],{\"a\":null}]".utf8)
    #expect(throws: Never.self) { try JSONValue.parse(text.span.bytes, tokensAtMost: 10) }
    #expect { try JSONValue.parse(text.span.bytes, tokensAtMost: 9) } throws: {
      ($0 as? SyntaxProblem)?.kind == .tooLarge
    }
  }
}
