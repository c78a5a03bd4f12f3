/// An older migration history whose migrations have made a part of what a ``Migrator``'s migrations make.
///
/// A library that gets a history of its own uses it to take over tables that an application's history made earlier: a
/// migration whose counterpart was applied is recorded as applied, and its SQL does not run.
public struct AdoptedHistory: Sendable {
  /// The table of the older history.
  public var table: String
  /// Names in the older history by the names of the migrations that they stand for.
  public var counterparts: [String: String]

  /// An older history; see the properties.
  public init(table: String, counterparts: [String: String]) {
    self.table = table
    self.counterparts = counterparts
  }
}
