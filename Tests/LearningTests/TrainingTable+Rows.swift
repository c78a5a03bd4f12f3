@testable import Learning

extension TrainingTable {
  /// The table of the rows whose index fulfils the condition.
  func rows(where isChosen: (Int) -> Bool) throws -> TrainingTable {
    let chosen = outcomes.indices.filter(isChosen)
    return try TrainingTable(
      names: names, kinds: kinds,
      columns: columns.map { column in
        switch column {
        case .numeric(let values): .numeric(chosen.map { values[$0] })
        case .categorical(let codes, let levels):
          .categorical(codes: chosen.map { codes[$0] }, levels: levels)
        }
      }, outcomes: chosen.map { outcomes[$0] })
  }
}
