/// The account on which a connection is borrowed, by which a pool shares its connections fairly.
///
/// The number of an owner is the caller's own: a tenant, a queue, a user.
public enum Borrower: Hashable, Sendable {
  /// Work of the process itself, whose amount does not depend on any client. It comes first and has no bound.
  case process
  /// Short work for an owner on which other work depends, such as the look-up of a key. It comes before ordinary work and may use
  /// the reserve.
  case urgent(Int)
  /// All other work for an owner.
  case owner(Int)

  /// Whether the work may use the reserve.
  var isUrgent: Bool {
    switch self {
    case .process, .urgent: true
    case .owner: false
    }
  }
}
