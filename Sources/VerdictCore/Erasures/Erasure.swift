package import Foundation

/// The rows that an erasure removes: those with one value of one property.
package enum ErasureSubject: Sendable, Equatable {
  /// The rows of one case.
  case reference(String)
  /// The rows that belong to one person, or to whatever else the client groups by.
  case group(String)
  /// The label with one key.
  case key(String)

  /// The properties that identify rows, named as in the API and in the column `subject`.
  package enum Kind: String, Sendable, CaseIterable {
    case reference
    case group
    case key
  }

  /// A subject of a kind.
  package init(_ kind: Kind, _ value: String) {
    self =
      switch kind {
      case .reference: .reference(value)
      case .group: .group(value)
      case .key: .key(value)
      }
  }

  /// The property.
  package var kind: Kind {
    switch self {
    case .reference: .reference
    case .group: .group
    case .key: .key
    }
  }

  /// The value of the property, which is personal data.
  package var value: String {
    switch self {
    case .reference(let value), .group(let value), .key(let value): value
    }
  }
}

/// The removal of everything that a dataset stores about a subject, as its status resource shows it. The subject's value is not a
/// part of it.
package struct Erasure: Sendable, Equatable {
  /// The states of an erasure. It always leaves the first two.
  package enum State: String, Sendable, CaseIterable {
    /// Nothing is removed yet.
    case pending
    /// Rows are being removed, or the training runs.
    case running
    /// Everything that was asked for is done.
    case succeeded
    /// The rows are removed, and the training that was asked for has not succeeded.
    case failed
  }

  /// Why the training did not succeed.
  package struct Failure: Sendable, Equatable, Codable {
    /// A stable word for programs.
    package var type: String
    /// A sentence for people.
    package var detail: String
  }

  /// The erasure's id, unique among all erasures.
  package var id: Int
  /// The property that identified the rows.
  package var kind: ErasureSubject.Kind
  /// HMAC-SHA-256 of the subject (``ErasureHash``), 32 bytes.
  package var hash: Data
  /// Whether a training without the rows was asked for.
  package var retrain: Bool
  /// The present state.
  package var state: State
  /// The number of labels removed so far.
  package var labelsDeleted: Int
  /// The number of predictions removed so far.
  package var predictionsDeleted: Int
  /// The number of kept responses removed so far.
  package var answersDeleted: Int
  /// The number of models removed because they had used erased labels.
  package var modelsDeleted: Int
  /// The training that follows.
  package var jobID: Int?
  /// The model of that training.
  package var modelVersion: Int?
  /// Why there is no such model.
  package var error: Failure?
  /// The time of the request.
  package var createdAt: Date
  /// The time when the removal ended.
  package var removedAt: Date?
  /// The time when the erasure ended.
  package var finishedAt: Date?
}
