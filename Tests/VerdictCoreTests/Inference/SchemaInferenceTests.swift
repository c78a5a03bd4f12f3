import DomainTestSupport
import RowFormats
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of the inference of a dataset from a file.
@Suite struct SchemaInferenceTests {
  private static let csv = InferenceOptions(format: .csv(delimiter: nil), label: "y")
  private static let ndjson = InferenceOptions(format: .ndjson, label: "y")

  private func infer(
    _ text: String, _ options: InferenceOptions = Self.csv, piece: Int = .max, isCut: Bool = false
  ) throws -> InferredSchema {
    let inference = SchemaInference(options)
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let part = rest.prefix(piece)
      try inference.read(Array(part))
      rest = rest.dropFirst(part.count)
    }
    return try inference.finish(isCut: isCut)
  }

  /// A column with these values beside an outcome.
  private func column(_ values: [String], _ options: InferenceOptions = Self.csv) throws -> ColumnProfile {
    let lines = values.enumerated().map { "\"\($1.replacing("\"", with: "\"\""))\",\($0),\($0 % 2)" }
    let schema = try infer("x,z,y\n" + lines.joined(separator: "\n") + "\n", options)
    return try #require(schema.columns.first)
  }

  private func refusal(_ text: String, _ options: InferenceOptions = Self.csv) -> InputProblem? {
    do {
      _ = try infer(text, options)
      return nil
    } catch let error as InputProblems {
      return error.problems.first
    } catch {
      return nil
    }
  }

  @Test(
    arguments: [
      (["1", "2", "-3"], .discrete), (["0", "1", "0"], .discrete), (["1", "2.5"], .continuous),
      (["1.0", "2.0"], .continuous), (["1e3", "2"], .continuous), (["+1", " 5 "], .discrete),
      ([".5", "5."], .continuous), (["01220", "90210"], .categorical), (["0", "0.5"], .continuous),
      (["2024-05-31", "2024-06-01"], .categorical), (["31.5.2024 10:00"], .categorical),
      (["true", "False"], .categorical), (["a", "1"], .categorical), (["", ""], .categorical),
      (["9007199254740993", "1"], .categorical), (["9007199254740992"], .discrete),
      (["1e200", "1"], .categorical), (["NaN", "1"], .categorical), (["0x10"], .categorical),
      ([" ", "1"], .discrete), ([String(repeating: "x", count: 1_001)], nil), (["1,5", "2"], .categorical),
    ] as [([String], FeatureType?)])
  func `types follow from all values`(values: [String], type: FeatureType?) throws {
    let profile = try column(values + values)
    #expect(profile.type == type, "\(profile)")
    #expect(profile.role == (type == nil ? .ignored : .feature))
    #expect(!profile.reason.isEmpty)
  }

  @Test(
    arguments: [
      ((1...40).map { "\($0 * 7)" }, [.looksLikeIdentifier]),
      ((1...40).map { "user\($0)" }, [.looksLikeIdentifier]),
      ((1...40).map { "\($0).5" }, []), ((1...40).map { "2024-05-\($0 % 28 + 10)" }, [.date]),
      (["", ""], [.allMissing]), (["5", "5"], [.constant]), (["1", "2", "3", "n/a"], [.mixedNumbers]),
      (["1,5", "2", "2"], [.decimalComma]), (["0", "1", "0", "1"], []),
    ] as [([String], [InferredSchema.Warning.Kind])])
  func `warnings say what to look at`(values: [String], kinds: [InferredSchema.Warning.Kind]) throws {
    #expect(try column(values).warnings.map(\.kind) == kinds)
  }

  @Test func `numbers have their distribution`() throws {
    let profile = try column(["1", "2", "", "3", "4", "4"])
    #expect(profile.count == 5 && profile.missing == 1 && profile.distinct == 4 && profile.isDistinctExact)
    let numbers = try #require(profile.numbers)
    #expect(numbers.minimum == 1 && numbers.maximum == 4 && abs(numbers.mean - 2.8) < 1e-12)
    #expect(numbers.quantiles[1...3] == [2, 3, 4] && abs(numbers.quantiles[0] - 1.2) < 1e-12)
    #expect(profile.top.isEmpty)
  }

  @Test func `categories are counted as they are stored`() throws {
    let profile = try column(["b", "True", "true", "TRUE", "a", "a"])
    #expect(profile.top.map(\.value) == ["true", "a", "b"] && profile.top.map(\.count) == [3, 2, 1])
    #expect(profile.distinct == 3 && profile.numbers == nil)
    var options = Self.csv
    options.closesCategories = true
    #expect(try infer("x,y\nb,0\na,1\n", options).features.first?.categories == ["a", "b"])
    #expect(try infer("x,y\nb,0\na,1\n").features.first?.categories == nil)
  }

  @Test func `many different values are a lower bound`() throws {
    let limit = ColumnSample.distinctLimit
    let profile = try column((0...(2 * limit)).map { "v\($0)" })
    #expect(profile.distinct == limit && !profile.isDistinctExact)
    #expect(profile.warnings.map(\.kind) == [.looksLikeIdentifier])
    let numbers = try column((0...(2 * limit)).map { "\($0)" })
    #expect(numbers.distinct == 2 * limit + 1 && numbers.isDistinctExact)
  }

  @Test func `parameters say what is missing and where the decimals are`() throws {
    var options = Self.csv
    options.missing = ["NA", "NULL"]
    #expect(try column(["1", "NA", " NULL "], options).type == .discrete)
    #expect(try column(["1", "NA", "NULL"], options).missing == 2)
    let schema = try infer("x,y\n1,0\nNA,1\n", options)
    #expect(schema.upload == InferredSchema.Upload(missing: "NA,NULL") && schema.warnings.isEmpty)
    var decimal = Self.csv
    decimal.hasDecimalComma = true
    let commas = try infer("x;y\n1,5;0\n2;1\n", decimal)
    #expect(commas.features == [FeatureDeclaration(name: "x", type: .continuous)])
    #expect(commas.columns[0].numbers?.maximum == 2)
    #expect(commas.upload == InferredSchema.Upload(delimiter: ";", decimal: ","))
    var trimming = Self.csv
    trimming.trimsNames = true
    let trimmed = try infer(" x , y\n1,0\n2,1\n", trimming)
    #expect(trimmed.features.first?.name == "x" && trimmed.upload == InferredSchema.Upload(trim: true))
    #expect(try infer("x,y\n1,0\n2,1\n", trimming).upload == InferredSchema.Upload())
    #expect(refusal(" x , y\n1,0\n2,1\n")?.column == "y")
    var objects = Self.ndjson
    objects.missing = ["NA"]
    let object = "{\"features\":{\"x\":\"NA\"},\"label\":"
    let texts = try infer("\(object)0}\n\(object)1}\n", objects)
    #expect(texts.upload == nil && texts.warnings.map(\.kind) == [.needsConversion])
    var lines = Self.ndjson
    lines.trimsNames = true
    for (name, kinds) in [("x", []), (" x", [.needsConversion])] as [(String, [InferredSchema.Warning.Kind])]
    {
      let row = "{\"features\":{\"\(name)\":1},\"label\":"
      let schema = try infer("\(row)0}\n\(row)1}\n", lines)
      #expect(schema.features.map(\.name) == ["x"] && schema.warnings.map(\.kind) == kinds)
    }
  }

  @Test(
    arguments: [
      ("0", "1", nil, nil), ("True", "False", nil, nil), ("1.0", "0.0", nil, nil), ("no", "yes", "yes", "no"),
      ("-1", "1", "1", "-1"), ("1", "2", "2", "1"), ("<=50K", ">50K", ">50K", "<=50K"), ("N", "Y", "Y", "N"),
    ] as [(String, String, String?, String?)])
  func `an outcome is a pair`(frequent: String, rare: String, positive: String?, negative: String?) throws {
    let schema = try infer("x,y\n1,\(frequent)\n2,\(frequent)\n3,\(rare)\n")
    #expect(schema.label.positive == positive && schema.label.negative == negative)
    // Every label is understood.
    let rows = RowSchema(features: [], words: schema.label.words)
    let outcomes = [frequent, rare].map { rows.outcome(ofCell: $0) }
    #expect(
      outcomes == [false, true] || (frequent == "True" && outcomes == [true, false]) || frequent == "1.0")
    #expect(!outcomes.contains(nil))
  }

  @Test(
    arguments: [
      ("x,z\n1,0\n", 1, "y", "does not name"), ("x,y\n1,a\n2,a\n", 1, "y", "one value only"),
      ("x,y\n1,1\n2,true\n", 1, "y", "one outcome only"),
      ("x,y\n1,a\n2,b\n3,c\n", 1, "y", "more than two values"),
      ("x,y\n1,\n2,\n", 1, "y", "no value"), ("x,y\n1,0\n2\n3,1\n", 3, nil, "has 1 fields, the header 2"),
      ("x,x,y\n1,1,0\n", 1, "x", "twice"), ("y\n1\n0\n", 1, nil, "no column beside the label"),
      ("x,y\n", 2, nil, "no rows"), (",y\n1,0\n1,1\n", 1, nil, "no column beside the label"),
    ] as [(String, Int, String?, String)])
  func `files without a sense are refused with their place`(
    text: String, line: Int, column: String?, detail: String
  ) throws {
    let problem = try #require(refusal(text))
    #expect(problem.line == line && problem.column == column && problem.detail.contains(detail), "\(problem)")
  }

  @Test func `malformed CSV has its line`() throws {
    for text in ["x,y\n1,0\n\"2,1\n", "x,y\n1,0\n2\"2,1\n"] {
      #expect(throws: SyntaxProblem.self) { try infer(text) }
      do {
        _ = try infer(text)
      } catch let error as SyntaxProblem {
        #expect(error.line == 3)
      }
    }
    #expect(throws: SyntaxProblem(.empty)) { try infer("") }
    let inference = SchemaInference(Self.csv)
    try inference.read(Array("x,y\n1,0\n".utf8) + [0xFF] + Array(",1\n".utf8))
    #expect(throws: InputProblems(InputProblem(line: 3, column: "x", detail: "is not valid UTF-8"))) {
      try inference.finish(isCut: false)
    }
  }

  @Test func `a table may be as wide as a dataset`() throws {
    let most = InferenceOptions.columns
    func table(_ width: Int) -> String {
      (["y"] + (0..<width).map { "c\($0)" }).joined(separator: ",") + "\n0"
        + String(repeating: ",1", count: width)
        + "\n1" + String(repeating: ",2", count: width) + "\n"
    }
    #expect(try infer(table(most)).features.count == most)
    #expect(refusal(table(most + 1))?.detail == "there are more than 2000 columns beside the label")
    let members = (0...most).map { "\"c\($0)\":1" }.joined(separator: ",")
    #expect(
      refusal("{\"y\":1,\(members)}\n", Self.ndjson)?.detail
        == "there are more than 2000 columns beside the label")
  }

  @Test func `separators are detected in the header line`() throws {
    #expect(try infer("x;y\n1;0\n2;1\n").upload?.delimiter == ";")
    #expect(try infer("x\ty\n1\t0\n2\t1\n").upload?.delimiter == "tab")
    #expect(try infer("\"a;b;c\",y\n1,0\n2,1\n").upload == InferredSchema.Upload())
    #expect(try infer("\u{FEFF}x;y\r\n1;0\r\n2;1\r\n", piece: 1).features.first?.name == "x")
    let index = try infer(";x;y\n0;1;0\n1;2;1\n")
    #expect(index.upload == InferredSchema.Upload(delimiter: ";", ignore: ""))
    #expect(index.features.map(\.name) == ["x"] && index.columns[0].role == .ignored)
  }

  @Test func `a file that goes on ends with its last complete row`() throws {
    let schema = try infer("x,y\n1,0\n2,1\n3,\"unfini", isCut: true)
    #expect(schema.rows == 2 && schema.isSampled && schema.warnings.map(\.kind) == [.sampled])
    #expect(try infer("{\"x\":1,\"y\":0}\n{\"x\":2,\"y\":1}\n{\"x\":", Self.ndjson, isCut: true).rows == 2)
  }

  @Test func `lines of JSON have columns by name`() throws {
    let text = """
      {"x":1,"y":"no"}

      {"z":"01","x":2.5,"y":"yes","b":true}
      {"y":"no","x":null,"z":null}
      """
    let schema = try infer(text, Self.ndjson, piece: 7)
    #expect(schema.features.map(\.name) == ["x", "z", "b"])
    #expect(schema.features.map(\.type) == [.continuous, .categorical, .categorical])
    #expect(schema.columns.map(\.missing) == [1, 0, 2, 2] && schema.rows == 3)
    #expect(schema.upload == nil && schema.warnings.map(\.kind) == [.linesAreNotLabels])

    let labels = try infer(
      "{\"features\":{\"x\":1,\"y2\":\"a\"},\"label\":0}\n{\"label\":true,\"key\":\"k\",\"features\":{}}\n",
      Self.ndjson)
    #expect(labels.features.map(\.name) == ["x", "y2"] && labels.label == LabelDefinition(name: "y"))
    #expect(labels.upload == InferredSchema.Upload())
  }

  @Test(
    arguments: [
      ("{\"x\":[1],\"y\":1}\n", 1, "/x", "not an array"),
      ("{\"x\":1,\"y\":1}\n[1]\n", 2, "", "must be an object"),
      ("{\"x\":1,\"y\":1}\n{\"x\":1,\n", 2, nil, "of the line"),
      ("{\"x\":1,\"x\":2,\"y\":1}\n", 1, "/x", "twice"),
      ("{\"x\":1,\"é\":1,\"e\u{301}\":2}\n", 1, "/e\u{301}", "twice"), ("\n\n", 1, nil, "there are no rows"),
      ("{\"x\":1}\n{\"x\":2}\n", 1, nil, "no line has this member"),
    ] as [(String, Int, String?, String)])
  func `lines without a sense are refused with their place`(
    text: String, line: Int, pointer: String?, detail: String
  ) throws {
    let problem = try #require(refusal(text, Self.ndjson))
    #expect(
      problem.line == line && problem.pointer == pointer && problem.detail.contains(detail), "\(problem)")
  }

  @Test func `values that no type holds are no feature`() throws {
    let mixed = "{\"x\":1.5,\"z\":1,\"y\":0}\n{\"x\":\"a\",\"z\":2,\"y\":1}\n"
    #expect(try infer(mixed, Self.ndjson).columns.map(\.role) == [.ignored, .feature, .label])
  }

  /// Generated files: what was inferred reads every row of the file.
  @Test(arguments: 0..<60)
  func `the file fits the dataset`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var options = Self.csv
    // Other seeds read files with other parameters.
    options.missing = seed % 2 == 0 ? [] : ["NA", "a"]
    options.hasDecimalComma = seed % 3 == 1
    options.trimsNames = seed % 5 > 2
    let delimiter = options.hasDecimalComma ? ";" : ","
    let atoms = [
      "", "0", "1", "-7", "3.0", "2.5", ".5", "5.", "+4", "007", "1e3", "1E-400", "1e151", "9007199254740993",
      "a", "A b",
      "true", "False", "NA", " ", " 5", "5\t", "2024-01-31", "1,5", "\u{e9}", "e\u{301}", "\"q\"", "l\ni",
      "-0", "0x1F", "inf",
      String(repeating: "9", count: 30), String(repeating: "y", count: 1_001), "\u{0}",
    ]
    let width = Int.random(in: 1...6, using: &random)
    let pools = (0..<width).map { _ in
      (0..<Int.random(in: 1...4, using: &random)).map { _ in
        atoms[Int.random(in: 0..<atoms.count, using: &random)]
      }
    }
    let words = [("0", "1"), ("no", "yes"), ("True", "False"), ("1", "2"), (">50K", "<=50K")][Int(seed % 5)]
    let names =
      ["", "key", " a", "b,c", "d\u{301}", String(repeating: "n", count: 200)].prefix(width) + ["y"]
    let rows = (0..<30).map { row in
      pools.map { $0[Int.random(in: 0..<$0.count, using: &random)] } + [row % 3 == 0 ? words.0 : words.1]
    }
    let text = ([Array(names)] + rows).map { line in
      line.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: delimiter) + "\r\n"
    }.joined()
    let schema: InferredSchema
    do {
      schema = try infer(text, options, piece: 100)
    } catch let error as InputProblems {
      #expect(error.problems.first?.detail == "no column beside the label can be a feature", "\(error)")
      return
    }
    var slots = (numbers: 0, names: 0)
    let features = schema.features.map { feature in
      defer { if feature.type == .categorical { slots.names += 1 } else { slots.numbers += 1 } }
      return Feature(
        name: feature.name, type: feature.type,
        slot: feature.type == .categorical ? slots.names : slots.numbers)
    }
    let compiled = RowSchema(
      features: features, labelName: schema.label.name, words: schema.label.words, largestNumber: 1e150)
    let ignored = schema.columns.filter { $0.role == .ignored }.map(\.name)
    let format = CSVFormat(
      delimiter: Array(delimiter.utf8)[0], ignoredColumns: Set(ignored), missing: options.missing,
      hasDecimalComma: options.hasDecimalComma, trimsNames: options.trimsNames)
    let reader = CSVLabelReader(schema: compiled, format: format)
    var batches = [try reader.feed(Array(text.utf8))]
    while let batch = try reader.finish() { batches.append(batch) }
    #expect(batches.compactMap { $0?.count }.reduce(0, +) == rows.count)
  }
}
