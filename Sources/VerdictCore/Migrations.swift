import CResources
package import PostgreSQL

/// The migrations compiled into this build.
package enum Migrations {
  /// All migrations in order.
  package static var all: [Migration] {
    var migrations: [Migration] = []
    while true {
      let resource = verdict_migration(migrations.count)
      guard let name = resource.name, let bytes = resource.bytes else { return migrations }
      // The bytes are a constant array of the binary: valid for its whole run and never written.
      let sql = String(decoding: UnsafeBufferPointer(start: bytes, count: resource.count), as: UTF8.self)
      migrations.append(Migration(name: String(String(cString: name).dropLast(".sql".count)), sql: sql))
    }
  }
}
