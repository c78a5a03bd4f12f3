import Foundation
import HTTPTestSupport
import Testing
import TestSupport

/// Tests of a database whose disk fills up and is freed again.
@Suite(.serialized) struct FullDiskTests {
  @Test(
    .timeLimit(.minutes(10)),
    .enabled(
      if: SmallDisk.isPossible, "mounting a small file system needs the right to (root, CAP_SYS_ADMIN)"))
  func `a full disk is reported and recovers`() async throws {
    try await TestInstallation.with { installation in
      let disk = try SmallDisk(at: installation.dataDirectory, megabytes: 160)
      try await withCleanup {
        // The process cannot be found by its files once the disk is unmounted.
        if let postmaster = installation.postmaster { await Processes.end(postmaster) }
        disk.unmount()
      } _: {
        try await fillAndFree(disk, installation)
      }
    }
  }

  private func fillAndFree(_ disk: SmallDisk, _ installation: TestInstallation) async throws {
    let server = try await installation.serve()
    let key = try await installation.tenant()
    let client = try server.client(key: key)
    try await client.makeDataset()
    #expect(try await Batches.post(0, rows: 100, client).status == 201)
    try disk.fill(leaving: 6)
    var stored = [0: 100]
    var refusal: Answer?
    // Each batch takes about a megabyte of table and write-ahead log.
    for number in 1...60 where refusal == nil {
      let answer = try await Batches.post(number, rows: 5_000, client)
      if answer.status == 201 { stored[number] = 5_000 } else { refusal = answer }
    }
    let answer = try #require(refusal, "60 batches went into 6 MB")
    #expect(answer.status == 503 && answer.problem == "database-unavailable", "\(answer)")
    #expect(answer.headers["retry-after"] != nil)
    #expect(try await client.get("/healthz").status == 200)

    try disk.free()
    #expect(try await client.whenAvailable { try await Batches.stored(client) } == stored)
    #expect(try await client.whenAvailable { try await client.labelsStored() } == stored.values.reduce(0, +))
    let again = try await eventually {
      let answer = try await Batches.post(99, rows: 5_000, client)
      return answer.status == 503 ? nil : answer
    }
    #expect(again.status == 201, "\(again)")
    stored[99] = 5_000
    #expect(try await Batches.stored(client) == stored)
    #expect(try await client.labelsStored() == stored.values.reduce(0, +))
    #expect(try await server.terminate() == .exited(0), "\(server.log.suffix(2_000))")
  }
}

/// A small file system in memory that a test can fill.
struct SmallDisk {
  private let path: String
  private var filler: String { "\(path)/filler" }

  /// Whether this process may mount file systems.
  static let isPossible: Bool = {
    let path = "/tmp/verdict-disk-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    guard let disk = try? SmallDisk(at: path, megabytes: 1) else { return false }
    disk.unmount()
    return true
  }()

  /// Mounts the file system at a path that it creates.
  init(at path: String, megabytes: Int) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m,mode=0755") == 0 else {
      throw TestInstallation.Unexpected(description: "mount: \(errno)")
    }
  }

  /// Mounts the file system over a directory and keeps the directory's files, owner and mode.
  init(under path: String, megabytes: Int) throws {
    let files = FileManager.default
    let attributes = try files.attributesOfItem(atPath: path)
    let copy = "\(path)-copy"
    try files.copyItem(atPath: path, toPath: copy)
    self = try SmallDisk(at: path, megabytes: megabytes)
    let owner = attributes.filter {
      [.posixPermissions, .ownerAccountID, .groupOwnerAccountID].contains($0.key)
    }
    try files.setAttributes(owner, ofItemAtPath: path)
    for name in try files.contentsOfDirectory(atPath: copy) {
      try files.copyItem(atPath: "\(copy)/\(name)", toPath: "\(path)/\(name)")
      var own = owner
      if try files.attributesOfItem(atPath: "\(copy)/\(name)")[.type] as? FileAttributeType != .typeDirectory
      {
        own[.posixPermissions] = 0o600
      }
      try files.setAttributes(own, ofItemAtPath: "\(path)/\(name)")
    }
    try files.removeItem(atPath: copy)
  }

  /// Writes a file that leaves only some megabytes of free space.
  func fill(leaving megabytes: Int) throws {
    let free = try FileManager.default.attributesOfFileSystem(forPath: path)[.systemFreeSize] as? Int ?? 0
    let file = open(filler, O_CREAT | O_WRONLY, 0o600)
    defer { close(file) }
    guard file >= 0, posix_fallocate(file, 0, free - megabytes << 20) == 0 else {
      throw TestInstallation.Unexpected(description: "filler: \(errno)")
    }
  }

  /// Removes that file.
  func free() throws { try FileManager.default.removeItem(atPath: filler) }

  /// Unmounts the file system as soon as it is no longer in use.
  func unmount() { umount2(path, Int32(MNT_DETACH)) }
}
