import Foundation

/// A minimal HTTP/1.1 client with blocking reads and writes of bodies in memory, so that it takes little processor time from the
/// server and the database.
final class LoadClient {
  private let socket: Int32
  private let key: String
  private var buffer = [UInt8](repeating: 0, count: 1 << 20)

  /// Connects to the server on this host.
  init(port: Int, key: String) throws {
    self.key = key
    socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    // connect(2) takes a sockaddr, whose header sockaddr_in shares.
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure("connect: \(errno)") }
  }

  deinit { close(socket) }

  /// Posts a body. Throws unless the response is 201.
  func post(_ path: String, _ body: [UInt8], type: String, coding: String? = nil) throws {
    var head = "POST \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(key)\r\n"
    head += "Content-Type: \(type)\r\nContent-Length: \(body.count)\r\n"
    if let coding { head += "Content-Encoding: \(coding)\r\n" }
    try send(Array("\(head)\r\n".utf8))
    try send(body)
    var answer: [UInt8] = []
    while !isWhole(answer) { answer += try receive() }
    guard answer.starts(with: Array("HTTP/1.1 201".utf8)) else {
      throw Failure(String(decoding: answer, as: UTF8.self))
    }
  }

  /// Gets a resource and returns the number of bytes received.
  func get(_ path: String, accept: String) throws -> Int {
    let head =
      "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(key)\r\nAccept: \(accept)\r\n"
    try send(Array("\(head)Connection: close\r\n\r\n".utf8))
    var count = 0
    while true {
      let piece = try read()
      if count == 0, !buffer.starts(with: Array("HTTP/1.1 200".utf8)) {
        throw Failure(String(decoding: buffer[..<piece], as: UTF8.self))
      }
      guard piece > 0 else { return count }
      count += piece
    }
  }

  private func isWhole(_ answer: [UInt8]) -> Bool {
    let text = String(decoding: answer, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return false }
    let length = text[..<end.lowerBound].lowercased().split(separator: "\r\n")
      .first { $0.hasPrefix("content-length:") }.flatMap {
        Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces))
      }
    return text[end.upperBound...].utf8.count >= length ?? 0
  }

  private func send(_ bytes: [UInt8]) throws {
    var sent = 0
    try bytes.withUnsafeBytes { raw in
      while sent < raw.count {
        let count = Foundation.send(
          socket, raw.baseAddress.map { $0 + sent }, raw.count - sent, Int32(MSG_NOSIGNAL))
        guard count > 0 else { throw Failure("send: \(errno)") }
        sent += count
      }
    }
  }

  private func receive() throws -> [UInt8] {
    let count = try read()
    guard count > 0 else { throw Failure("the server closed the connection") }
    return Array(buffer[..<count])
  }

  private func read() throws -> Int {
    let count = buffer.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else { throw Failure("recv: \(errno)") }
    return count
  }
}
