#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// The migrations of a database compared with those of a program.
public struct SchemaStatus: Sendable, Equatable {
  /// A migration that has been applied to the database.
  public struct Applied: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// When it was applied.
    public var at: Date
    /// Whether the program knows the migration; otherwise a newer program has applied it.
    public var isKnown: Bool
    /// The minimum version of a program that works with the schema after this migration, as the name of its newest migration.
    public var compatibleWith: String?
  }

  /// The migrations of the database, in order.
  public var applied: [Applied]
  /// The names of the program's migrations that the database lacks, in order.
  public var pending: [String]
  /// The program's newest migration.
  public var newest: String?

  /// The first migration of a newer program that this program is not compatible with, if there is one.
  public var incompatible: String? {
    applied.first { migration in
      guard !migration.isKnown else { return false }
      guard let newest, let oldest = migration.compatibleWith else { return true }
      return oldest > newest
    }?.name
  }

  /// Whether the program works with the database: no migration is missing, and newer ones are compatible.
  public var isUsable: Bool { pending.isEmpty && incompatible == nil }
}
