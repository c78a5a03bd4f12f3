import RowFormats

/// The outcome of a dataset, from the values of its label's column.
struct OutcomeInference {
  /// The outcome.
  private(set) var label: LabelDefinition
  /// Why its words mean what they mean.
  private(set) var reason: String
  /// Remarks about the column.
  private(set) var warnings: [InferredSchema.Warning] = []

  /// The pairs of words that need no guess, in lower case, each with the positive one first.
  private static let pairs: Set = [
    ["yes", "no"], ["y", "n"], ["true", "false"], ["t", "f"], ["positive", "negative"], ["pos", "neg"],
    ["1", "0"], ["1", "-1"], ["ja", "nein"], ["oui", "non"], ["si", "no"], ["sí", "no"],
  ]

  /// Finds the outcome.
  ///
  /// - Parameters:
  ///   - name: the label's column.
  ///   - sample: its values.
  ///   - rows: the number of rows.
  /// - Throws: ``RowFormats/InputProblems`` if the values are no outcome.
  init(_ name: String, _ sample: ColumnSample, rows: Int) throws {
    func refuse(_ detail: String) -> InputProblems {
      InputProblems(InputProblem(line: 1, column: name, detail: detail))
    }
    let values = sample.categories
    let shown = values.prefix(5).map { ColumnSample.shown($0.value) }.joined(separator: ", ")
    guard !values.isEmpty else { throw refuse("the label has no value in \(rows) rows") }
    let plain = RowSchema(features: [])
    let outcomes = sample.texts.keys.map { plain.outcome(ofCell: $0) }
    if outcomes.allSatisfy({ $0 != nil }) {
      guard Set(outcomes).count == 2 else {
        throw refuse("the label has one outcome only in \(rows) rows: \(shown); an outcome has two")
      }
      label = LabelDefinition(name: name)
      reason = "0, 1, true and false need no words"
    } else {
      guard values.count == 2 else {
        let others = values.count > 5 || sample.countWhenFull != nil ? " and others" : ""
        throw refuse(
          values.count == 1
            ? "the label has one value only in \(rows) rows: \(shown); an outcome has two"
            : "the label has more than two values: \(shown)\(others); an outcome has two")
      }
      let texts = values.map(\.value)
      if let long = texts.first(where: { TextRule.bytes(1...1_000).objection(to: $0) != nil }) {
        throw refuse("the word \(ColumnSample.shown(long)) must have 1 to 1000 bytes in UTF-8")
      }
      let choice = Self.positive(values)
      let negative = choice.word == texts[0] ? texts[1] : texts[0]
      label = LabelDefinition(name: name, positive: choice.word, negative: negative)
      reason = choice.reason
      if choice.isGuess {
        warnings.append(
          InferredSchema.Warning(
            kind: .outcomeGuessed,
            detail:
              "\(ColumnSample.shown(choice.word)) is taken for the positive outcome, since \(choice.reason): exchange the words if it is not."
          ))
      }
    }
    let missing = rows - sample.count
    if missing > 0 {
      warnings.append(
        InferredSchema.Warning(
          kind: .missingOutcome,
          detail:
            "\(missing) of \(rows) rows have no outcome: as labels they are refused, or left out with on_error=skip."
        ))
    }
  }

  /// The positive one of two words; the more frequent one comes first.
  private static func positive(_ values: [ColumnProfile.Frequency]) -> (
    word: String, reason: String, isGuess: Bool
  ) {
    for (one, other) in [(values[0], values[1]), (values[1], values[0])]
    where pairs.contains([one.value.lowercased(), other.value.lowercased()]) {
      return (one.value, "the words are a known pair", false)
    }
    if let first = Double(values[0].value), let second = Double(values[1].value) {
      return ((first > second ? values[0] : values[1]).value, "it is the larger number", true)
    }
    // Of words that are equally frequent, the order is that of their texts.
    return (
      values[1].value, values[0].count > values[1].count ? "fewer rows have it" : "its text comes last", true
    )
  }
}
