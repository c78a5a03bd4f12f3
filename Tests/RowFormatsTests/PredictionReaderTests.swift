import Testing
import RowFormats

/// Tests of reading rows for predictions.
@Suite("Rows to predict")
struct PredictionReaderTests {
  let reader = PredictionReader(schema: people)

  @Test func one() throws {
    let batch = try reader.readOne(bytes(#"{"features":{"age":39,"sex":"f"}}"#))
    #expect(Rows([batch]) == Rows([batch]))
    #expect(batch.row(0).numbers == [39, nil])
    #expect(batch.row(0).categories == [nil, "f"])
    #expect(batch.outcomes.isEmpty)
  }

  @Test func `invalid single rows`() {
    #expect(
      problems { _ = try reader.readOne(bytes(#"{"features":{"age":"x"},"label":1}"#)) }
        == [#"/features/age: must be a number, not "x""#, "/label: unknown member"])
    #expect(problems { _ = try reader.readOne(bytes("{}")) } == ["/features: is missing"])
    #expect(problems { _ = try reader.readOne(bytes("[]")) } == [": must be an object"])
  }

  @Test func batch() throws {
    let batch = try reader.readBatch(
      bytes(#"{"predictions":[{"features":{"hours":1}},{"features":{"hours":2}}]}"#))
    #expect(Rows([batch]).numbers == [[nil, 1], [nil, 2]])
    #expect(
      problems {
        _ = try reader.readBatch(bytes(#"{"predictions":[{"features":{"age":1}},{"features":{"b":1}}]}"#))
      }
        == ["/predictions/1/features/b: the dataset has no such feature"])
  }
}
