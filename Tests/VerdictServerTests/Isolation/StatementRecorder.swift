import Foundation
import Synchronization

@testable import PostgreSQL

/// Writes down every statement that the server sends, and where in the source it stands.
final class StatementRecorder: Sendable {
  /// A statement as it was sent.
  struct Statement: Sendable {
    var query: Query
    /// `VerdictCore/KeyStore.swift:19`.
    var place: String
  }

  private let seen = Mutex<[String: Statement]>([:])

  /// One of each text that was sent, with the values of the first time.
  var statements: [Statement] {
    seen.withLock { $0.values.sorted { ($0.place, $0.query.sql) < ($1.place, $1.query.sql) } }
  }

  /// Where statements came from.
  var places: Set<String> { seen.withLock { Set($0.values.map(\.place)) } }

  func record(_ query: Query, _ file: String, _ line: Int) {
    let place = "\(file):\(line)"
    seen.withLock { seen in
      let key = "\(place) \(query.sql)"
      if seen[key] == nil { seen[key] = Statement(query: query, place: place) }
    }
  }
}

/// The places in the sources that send statements.
enum StatementSources {
  /// `VerdictCore/KeyStore.swift:19` for every call of a module.
  static func calls(of module: String) throws -> Set<String> {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.appendingPathComponent("Sources/\(module)")
    var calls: Set<String> = []
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
      guard file.pathExtension == "swift" else { continue }
      let text = try String(contentsOf: file, encoding: .utf8)
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let code = line.trimmingPrefix(while: \.isWhitespace)
        guard !code.hasPrefix("//"), code.contains(#/\.(query|pipeline|copyIn|copyOut|execute)\(/#) else {
          continue
        }
        calls.insert("\(module)/\(file.lastPathComponent):\(number + 1)")
      }
    }
    return calls
  }
}
