#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// The migrations of a database compared with those of a program.
public struct SchemaStatus: Sendable, Equatable {
  /// A migration that the database has.
  public struct Applied: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// When it was applied.
    public var at: Date
    /// The program has it, too; otherwise it is a newer program's.
    public var isKnown: Bool
    /// The oldest migration that a program may have as its newest and work with the schema after this one.
    public var compatibleWith: String?
  }

  /// The migrations in the database, in their order.
  public var applied: [Applied]
  /// The names of the program's migrations that the database lacks, in their order.
  public var pending: [String]
  /// The program's newest migration.
  public var newest: String?

  /// The first migration of a newer program that this one does not work with, if there is one.
  public var incompatible: String? {
    applied.first { migration in
      guard !migration.isKnown else { return false }
      guard let newest, let oldest = migration.compatibleWith else { return true }
      return oldest > newest
    }?.name
  }

  /// The program works with the database: it lacks nothing, and what it has beyond is compatible.
  public var isUsable: Bool { pending.isEmpty && incompatible == nil }
}
