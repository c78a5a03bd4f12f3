/// What NOTIFY sent.
struct Notification: Sendable {
  let channel: String
  let payload: String
  let processID: Int32
}
