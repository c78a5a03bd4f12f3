package import RowFormats

/// Infers a dataset from the beginning of a file, which it reads piece by piece. Nothing is stored.
package final class SchemaInference {
  private let options: InferenceOptions
  private let reader: any TableReader
  private var samples: [ColumnSample] = []

  /// Begins an inference.
  package init(_ options: InferenceOptions) {
    self.options = options
    switch options.format {
    case .csv(let delimiter):
      reader = CSVTableReader(
        delimiter: delimiter, decimal: UInt8(ascii: options.hasDecimalComma ? "," : "."),
        trimsNames: options.trimsNames, columnsAtMost: InferenceOptions.columns)
    case .ndjson:
      reader = NDJSONTableReader(
        label: options.label, trimsNames: options.trimsNames, columnsAtMost: InferenceOptions.columns)
    }
  }

  /// An upper bound of the memory that a piece takes for each of its bytes: a field of one byte and its separator are a text in a
  /// table.
  package static let bytesPerByte = 96

  /// An upper bound of the memory of what has been read, in bytes.
  package var byteCount: Int {
    samples.reduce(reader.pendingCount * Self.bytesPerByte) { $0 + $1.byteCount }
  }

  /// Reads the next bytes, which may be split anywhere.
  ///
  /// - Throws: `SyntaxProblem` where reading cannot continue; `InputProblems` for too many columns.
  package func read(_ bytes: [UInt8]) throws {
    try reader.read(bytes) { add($1, to: $0) }
  }

  private func add(_ cell: TableCell, to column: Int) {
    while samples.count <= column { samples.append(ColumnSample()) }
    samples[column].add(cell, options)
  }

  /// Ends the file, and infers the dataset.
  ///
  /// - Parameter isCut: whether the file goes on beyond the bytes that were read.
  /// - Throws: `SyntaxProblem` if the file is malformed; `InputProblems` with line numbers for malformed rows, and for a label
  ///   that is absent, or is no outcome.
  package func finish(isCut: Bool) throws -> InferredSchema {
    try reader.finish(isCut: isCut) { add($1, to: $0) }
    let names = reader.columns
    while samples.count < names.count { samples.append(ColumnSample()) }
    guard let position = names.firstIndex(of: options.label) else {
      let place =
        reader is CSVTableReader ? "the header does not name this column" : "no line has this member"
      throw InputProblems(InputProblem(line: 1, column: options.label, detail: place + ", the label"))
    }
    let outcome = try OutcomeInference(options.label, samples[position], rows: reader.rows)
    var features: [FeatureDeclaration] = []
    let columns = zip(names, samples).enumerated().map { index, column in
      let (name, sample) = column
      guard index != position else {
        return sample.labelProfile(
          name, rows: reader.rows, reason: outcome.reason, warnings: outcome.warnings)
      }
      let profile = sample.profile(name, rows: reader.rows)
      if let type = profile.type {
        let lists = type == .categorical && options.closesCategories
        features.append(
          FeatureDeclaration(name: name, type: type, categories: lists ? sample.closedList : nil))
      }
      return profile
    }
    guard !features.isEmpty else {
      throw InputProblems(InputProblem(line: 1, detail: "no column beside the label can be a feature"))
    }
    let (upload, warnings) = upload(columns, isCut: isCut)
    return InferredSchema(
      name: options.name, features: features, label: outcome.label, upload: upload, rows: reader.rows,
      isSampled: isCut, warnings: warnings, columns: columns)
  }

  /// How the file is posted as labels.
  private func upload(_ columns: [ColumnProfile], isCut: Bool) -> (
    InferredSchema.Upload?, [InferredSchema.Warning]
  ) {
    var warnings: [InferredSchema.Warning] = []
    if isCut {
      warnings.append(
        InferredSchema.Warning(
          kind: .sampled,
          detail: "Only the first \(reader.rows) rows were read: later ones may have other values."))
    }
    let ignored = columns.filter { $0.role == .ignored }.map(\.name)
    var upload = InferredSchema.Upload()
    var obstacle: String?
    if let csv = reader as? CSVTableReader {
      if let delimiter = csv.delimiter, delimiter != UInt8(ascii: ",") {
        upload.delimiter = delimiter == UInt8(ascii: "\t") ? "tab" : String(UnicodeScalar(delimiter))
      }
      upload.missing = options.missing.isEmpty ? nil : options.missing.sorted().joined(separator: ",")
      upload.decimal = options.hasDecimalComma ? "," : nil
      upload.trim = reader.hasTrimmedNames ? true : nil
      let list = ignored.joined(separator: ",")
      if !ignored.isEmpty { upload.ignore = list }
      if list.unicodeScalars.count > 4_000 || ignored.contains(where: { $0.contains(",") }) {
        obstacle = "the names of the ignored columns cannot be listed"
      }
    } else if (reader as? NDJSONTableReader)?.isLabelled != true {
      warnings.append(
        InferredSchema.Warning(
          kind: .linesAreNotLabels,
          detail:
            "Labels are posted as lines {\"features\": {…}, \"label\": …}: put the members of each line into features, and the outcome into label."
        ))
      return (nil, warnings)
    } else if samples.contains(where: \.isConverted) {
      obstacle = "texts that mean a missing value are to be null"
    } else if reader.hasTrimmedNames {
      obstacle = "names of members have spaces around them"
    } else if !ignored.isEmpty {
      obstacle = "members of features are to be left out"
    }
    if let obstacle {
      warnings.append(
        InferredSchema.Warning(
          kind: .needsConversion, detail: "The file cannot be posted as labels as it is: \(obstacle)."))
      return (nil, warnings)
    }
    return (upload, warnings)
  }
}
