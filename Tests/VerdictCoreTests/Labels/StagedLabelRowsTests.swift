import PostgreSQL
import RowFormats
import Testing

@testable import VerdictCore

/// The rows for the staging table are binary COPY that PostgreSQL's own reader understands.
@Suite struct StagedLabelRowsTests {
  private let schema = RowSchema(
    features: [
      Feature(name: "age", type: .discrete, slot: 0), Feature(name: "hours", type: .continuous, slot: 1),
      Feature(name: "job", type: .categorical, slot: 0),
    ])

  @Test(arguments: [1, 100, 1 << 20]) func rowsReadBack(size: Int) throws {
    let body = #"""
      {"labels":[
        {"features":{"age":39,"hours":-0.5,"job":"née"},"label":1,"key":"a"},
        {"features":{"age":null,"job":null},"label":0},
        {"features":{"hours":1e300},"label":1,"key":"b"}
      ]}
      """#
    let batch = try JSONLabelReader(schema: schema).read(Array(body.utf8))
    var reader = BinaryCopyReader()
    reader.feed(BinaryCopyWriter.header)
    var next = 0
    while next < batch.count {
      let (bytes, end) = StagedLabelRows.encode(batch, before: 7, from: next, size: size)
      #expect(end > next)
      reader.feed(bytes)
      for row in next..<end {
        #expect(try reader.nextRow())
        let stored = batch.row(row)
        #expect(try reader.decode(0, as: Int.self) == 7 + row)
        #expect(try reader.decode(1, as: Bool.self) == (batch.outcomes[row] == 1))
        #expect(try reader.decode(2, as: [Double?].self) == stored.numbers)
        #expect(try reader.decode(3, as: [String?].self) == stored.categories)
        #expect(try reader.decode(4, as: String?.self) == ["a", nil, "b"][row])
      }
      next = end
    }
    reader.feed(BinaryCopyWriter.trailer)
    #expect(try !reader.nextRow())
    try reader.checkFinished()
  }
}
