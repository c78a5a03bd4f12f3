package import HTTPTypes
import Hummingbird
package import VerdictCore

/// The keys that may call a route.
package enum RouteAccess: Sendable, Hashable {
  /// No key is needed.
  case open
  /// Every valid key.
  case anyKey
  /// The keys whose role includes this one.
  case role(Role)
}

/// The routes with the keys that may call them, to be compared with openapi.yaml.
package struct RouteTable: Sendable {
  /// One route.
  package struct Entry: Sendable, Hashable {
    /// The HTTP method.
    package var method: HTTPRequest.Method
    /// The path template as in openapi.yaml, such as `/v1/datasets/{dataset}`.
    package var path: String
    /// The keys that may call it.
    package var access: RouteAccess

    fileprivate var parameters: Int { path.count { $0 == "{" } }
  }

  /// The routes in the order of their registration.
  package private(set) var entries: [Entry] = []

  mutating func add(_ method: HTTPRequest.Method, _ path: String, _ access: RouteAccess) {
    entries.append(Entry(method: method, path: path, access: access))
  }

  /// The methods of a concrete path; empty for an unknown one. A literal path (`…/models/active`) has only its own methods,
  /// not those of a template that also matches (`…/models/{version}`).
  func methods(of path: String) -> [HTTPRequest.Method] {
    let segments = path.split(separator: "/")
    let matching = entries.filter { entry in
      let template = entry.path.split(separator: "/")
      return template.count == segments.count
        && zip(template, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
    let fewest = matching.map(\.parameters).min()
    var methods: [HTTPRequest.Method] = []
    for entry in matching where entry.parameters == fewest && !methods.contains(entry.method) {
      methods.append(entry.method)
      if entry.method == .get { methods.append(.head) }
    }
    return methods
  }
}
