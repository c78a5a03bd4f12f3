import CResources
package import PostgreSQL

/// The migrations that this build carries.
package enum Migrations {
  /// All of them, in their order.
  package static var all: [Migration] {
    var migrations: [Migration] = []
    while true {
      let resource = verdict_migration(migrations.count)
      guard let name = resource.name, let bytes = resource.bytes else { return migrations }
      // The bytes are a constant array of the binary: valid for ever and never written.
      let sql = String(decoding: UnsafeBufferPointer(start: bytes, count: resource.count), as: UTF8.self)
      migrations.append(Migration(name: String(String(cString: name).dropLast(".sql".count)), sql: sql))
    }
  }
}
