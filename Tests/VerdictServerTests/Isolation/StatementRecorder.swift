import Foundation
import Synchronization

@testable import PostgreSQL

/// Records every statement that the server sends, with its location in the source.
final class StatementRecorder: Sendable {
  /// A recorded statement.
  struct Statement: Sendable {
    var query: Query
    /// `VerdictCore/KeyStore.swift:19`.
    var place: String
  }

  /// The number of executions that are kept of a text: the latest, whose rows are most likely to exist still.
  private static let kept = 5

  private let seen = Mutex<[String: [Statement]]>([:])

  /// Each statement text with the values of its last executions.
  var statements: [[Statement]] {
    seen.withLock { seen in
      seen.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  /// The source locations of the recorded statements.
  var places: Set<String> { seen.withLock { Set($0.values.compactMap(\.first?.place)) } }

  func record(_ query: Query, _ file: String, _ line: Int) {
    let place = "\(file):\(line)"
    seen.withLock { seen in
      let key = "\(place) \(query.sql)"
      seen[key, default: []].append(Statement(query: query, place: place))
      if seen[key, default: []].count > Self.kept { seen[key]?.removeFirst() }
    }
  }
}

/// The source locations that send statements.
enum StatementSources {
  /// `VerdictCore/KeyStore.swift:19` for every call of a module, or of one of its files.
  static func calls(of module: String, in name: String? = nil) throws -> Set<String> {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.appendingPathComponent("Sources/\(module)")
    var calls: Set<String> = []
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
      guard file.pathExtension == "swift", name == nil || file.lastPathComponent == name else { continue }
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
