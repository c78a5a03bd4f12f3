import EmbeddedPostgres
import Foundation
import Logging

// A process of its own for the tests to kill: holds the data directory given as its argument until it is ended.
let cluster = EmbeddedCluster(
  ClusterConfiguration(dataDirectory: CommandLine.arguments[1], name: "shop"), logger: Logger(label: "holder")
)
do {
  _ = try await cluster.start()
  // Past the buffer that print() would leave it in, standard output being a pipe.
  FileHandle.standardOutput.write(Data("ready\n".utf8))
  try await cluster.supervise()
} catch {
  print("error: \(error)")
}
