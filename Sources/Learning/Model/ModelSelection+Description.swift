extension ModelSelection {
  /// The form that the API shows.
  var description: ModelDescription {
    .members([
      .init("family", .text(family)),
      .init("criterion", .text(criterion)),
      .init(
        "candidates",
        .list(
          candidates.map { .members([.init("family", .text($0.family)), .init("score", .number($0.score))]) })
      ),
      .init("reason", .text(reason)),
    ])
  }
}
