/// The quadratic model of the loss at a point, with the penalty: what a proximal Newton step minimises.
protocol QuadraticModel {
  /// The step that minimises gᵀd + ½dᵀHd + penalty(β + d), as nearly as `precision` asks for (in standard errors),
  /// and dᵀ(H + L2)d.
  func minimise(_ point: Objective.Point, precision: Double) throws -> (step: [Double], curved: Double)
}
