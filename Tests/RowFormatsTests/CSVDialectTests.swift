import RowFormats
import Testing

/// Tests of CSV files as people have them: texts for missing values, decimal commas, spaces in the header line.
@Suite struct CSVDialectTests {
  private func read(
    _ text: String, _ format: CSVFormat, schema: RowSchema = people, chunk: Int = 1 << 20
  ) throws -> Rows {
    try readAll(CSVLabelReader(schema: schema, format: format), bytes(text), chunk: chunk)
  }

  @Test(arguments: [1, 7, 1_000]) func `texts mean a missing value in every column but the label's`(
    chunk: Int
  ) throws {
    let format = CSVFormat(keyColumn: "id", missing: ["NA", "n/a", "é", ""])
    let text =
      "id,job,age,label\nNA,NA,NA,1\nNA,\" n/a\t\",n/a,0\nk,e\u{301},2,1\nl, NAN ,3,0\nm,\"\"\"NA\"\"\",,1\n"
    let rows = try read(text, format, chunk: chunk)
    #expect(rows.keys == [nil, nil, "k", "l", "m"])
    #expect(rows.numbers.map { $0[0] } == [nil, nil, 2, 3, nil])
    #expect(rows.categories.map { $0[0] } == [nil, nil, nil, " NAN ", "\"NA\""])
    #expect(
      problems { _ = try read("job,label\nx,NA\n", format.withoutKeys) }
        == ["2:label: a label is 0, 1, true or false, not NA"])
    #expect(
      problems { _ = try read("age,label\nNA,1\nn/A,0\n", format.withoutKeys) }
        == ["3:age: must be a number, not n/A"])
  }

  @Test func `bytes that are not UTF-8 are no text`() throws {
    let format = CSVFormat(missing: ["\u{FFFD}"])
    var text = bytes("job,label\n")
    text += [0xFF] + bytes(",1\n")
    #expect(
      problems { _ = try readAll(CSVLabelReader(schema: people, format: format), text, chunk: 100) }
        == ["2:job: is not valid UTF-8"])
  }

  @Test func `numbers have a decimal comma`() throws {
    let format = CSVFormat(delimiter: UInt8(ascii: ";"), hasDecimalComma: true)
    let rows = try read("age;job;hours;label\n1;1,5;2,5;1\n 7 ;a.b;-,5e1 ;0\n;x;3;1\n8,0;y;1e3;0\n", format)
    #expect(rows.numbers == [[1, 2.5], [7, -5], [nil, 3], [8, 1000]])
    #expect(rows.categories.map { $0[0] } == ["1,5", "a.b", "x", "y"])
    #expect(
      problems {
        _ = try read("age;hours;label\n1;1.5;1\n1;1,5,0;1\n2,5;1;1\n1;,;0\n1;1.000,5;1\n1;1e999;0\n", format)
      } == [
        "2:hours: must be a number, not 1.5", "3:hours: must be a number, not 1,5,0",
        "4:age: must be a whole number, not 2,5", "5:hours: must be a number, not ,",
        "6:hours: must be a number, not 1.000,5", "7:hours: 1e999 is beyond the range of a double",
      ])
  }

  @Test func `spaces around names are removed on request`() throws {
    let text = " age ,\tlabel, note ,id \n1,1,x,a\n2,0,y,b\n"
    let format = CSVFormat(ignoredColumns: ["note"], keyColumn: "id", trimsNames: true)
    let rows = try read(text, format)
    #expect(rows.numbers.map { $0[0] } == [1, 2] && rows.keys == ["a", "b"])
    var plain = format
    plain.trimsNames = false
    #expect(
      problems { _ = try read(text, plain) }.contains(
        "1: age : the dataset has no such feature, and the column is not ignored"))
    #expect(
      problems { _ = try read("age, age,label\n1,2,1\n", CSVFormat(trimsNames: true)) }
        == ["1:age: the header names this column twice"])
  }

  @Test func `predictions have the same dialect`() throws {
    let format = CSVFormat(
      delimiter: UInt8(ascii: ";"), missing: ["NA"], hasDecimalComma: true, trimsNames: true)
    let reader = CSVPredictionReader(schema: people, format: format)
    let chunks = [try reader.feed(bytes(" hours;job\n1,5;NA\nNA;x\n1.5;x\n")), try reader.finish()]
    let batches = chunks.compactMap { $0?.batch }
    #expect(batches.map(\.count).reduce(0, +) == 2)
    #expect(chunks.compactMap { $0?.refused.first?.line } == [4])
    #expect(batches[0].numbers.contains(1.5))
  }
}

extension CSVFormat {
  /// The format of a file without keys.
  fileprivate var withoutKeys: CSVFormat {
    var format = self
    format.keyColumn = nil
    return format
  }
}
