import Learning
import PostgreSQL

/// The stored form of a model's warnings. A server of the version before reads `models.warnings` and refuses a kind that it does not
/// know, so that later kinds have the column `later_warnings`, which that server does not read.
struct StoredWarnings {
  /// The kinds that version 0.1.0 does not know.
  private static let laterKinds: Set<TrainingWarning.Kind> = [.duplicateRows]

  /// The value of `warnings`.
  let warnings: JSONB
  /// The value of `later_warnings`; `nil` for none.
  let later: JSONB?

  /// The expression that returns both of a table `m` as one array.
  static let expression = "m.warnings || coalesce(m.later_warnings, '[]'::jsonb)"

  /// Divides warnings by their kinds.
  init(_ all: [TrainingWarning]) throws {
    warnings = try JSONB(all.filter { !Self.laterKinds.contains($0.kind) })
    let others = all.filter { Self.laterKinds.contains($0.kind) }
    later = others.isEmpty ? nil : try JSONB(others)
  }
}
