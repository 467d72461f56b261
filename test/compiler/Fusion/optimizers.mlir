// The updates of all parameters are one kernel, whatever their shapes; what they share of scalars is computed once before.
// RUN: xfer-opt %s -canonicalize -cse -nn-fuse -split-input-file | FileCheck %s

// Gradients, parameters and moments are read once and written once.
// CHECK-LABEL: func.func @adam(
// CHECK: %[[S:.*]]:3 = nn.kernel loop({{.*}} : tensor<i32>) -> tensor<i32>, tensor<f32>, tensor<f32>
// CHECK: %[[U:.*]]:9 = nn.kernel loop(
// CHECK-NOT: nn.kernel
// CHECK: return %[[S]]#0, %[[U]]#
func.func @adam(%rate: tensor<f32>, %t: tensor<i32>, %p0: tensor<5x5x1x20xf32>, %g0: tensor<5x5x1x20xf32>, %m0: tensor<5x5x1x20xf32>, %v0: tensor<5x5x1x20xf32>, %p1: tensor<500xf32>, %g1: tensor<500xf32>, %m1: tensor<500xf32>, %v1: tensor<500xf32>, %p2: tensor<37x10xf32>, %g2: tensor<37x10xf32>, %m2: tensor<37x10xf32>, %v2: tensor<37x10xf32>) -> (tensor<i32>, tensor<5x5x1x20xf32>, tensor<5x5x1x20xf32>, tensor<5x5x1x20xf32>, tensor<500xf32>, tensor<500xf32>, tensor<500xf32>, tensor<37x10xf32>, tensor<37x10xf32>, tensor<37x10xf32>) {
%one_i = nn.constant dense<1> : tensor<i32>
%t1 = nn.add %t, %one_i : tensor<i32>
%tf = nn.convert %t1 : tensor<i32> -> tensor<f32>
%b1 = nn.constant dense<0.9> : tensor<f32>
%b2 = nn.constant dense<0.999> : tensor<f32>
%one = nn.constant dense<1.0> : tensor<f32>
%pw1 = nn.pow %b1, %tf : tensor<f32>
%pw2 = nn.pow %b2, %tf : tensor<f32>
%q1 = nn.sub %one, %pw1 : tensor<f32>
%q2 = nn.sub %one, %pw2 : tensor<f32>
%c90 = nn.constant dense<0.9> : tensor<5x5x1x20xf32>
%c10 = nn.constant dense<0.1> : tensor<5x5x1x20xf32>
%d90 = nn.constant dense<0.999> : tensor<5x5x1x20xf32>
%d10 = nn.constant dense<0.001> : tensor<5x5x1x20xf32>
%ep0 = nn.constant dense<1.0e-8> : tensor<5x5x1x20xf32>
%rb0 = nn.broadcast %rate dimensions [] : tensor<f32> -> tensor<5x5x1x20xf32>
%q1b0 = nn.broadcast %q1 dimensions [] : tensor<f32> -> tensor<5x5x1x20xf32>
%q2b0 = nn.broadcast %q2 dimensions [] : tensor<f32> -> tensor<5x5x1x20xf32>
%ma0 = nn.mul %c90, %m0 : tensor<5x5x1x20xf32>
%mb0 = nn.mul %c10, %g0 : tensor<5x5x1x20xf32>
%mn0 = nn.add %ma0, %mb0 : tensor<5x5x1x20xf32>
%sq0 = nn.mul %g0, %g0 : tensor<5x5x1x20xf32>
%va0 = nn.mul %d90, %v0 : tensor<5x5x1x20xf32>
%vb0 = nn.mul %d10, %sq0 : tensor<5x5x1x20xf32>
%vn0 = nn.add %va0, %vb0 : tensor<5x5x1x20xf32>
%mh0 = nn.div %mn0, %q1b0 : tensor<5x5x1x20xf32>
%vh0 = nn.div %vn0, %q2b0 : tensor<5x5x1x20xf32>
%sr0 = nn.sqrt %vh0 : tensor<5x5x1x20xf32>
%de0 = nn.add %sr0, %ep0 : tensor<5x5x1x20xf32>
%up0 = nn.mul %rb0, %mh0 : tensor<5x5x1x20xf32>
%qu0 = nn.div %up0, %de0 : tensor<5x5x1x20xf32>
%n0 = nn.sub %p0, %qu0 : tensor<5x5x1x20xf32>
%c91 = nn.constant dense<0.9> : tensor<500xf32>
%c11 = nn.constant dense<0.1> : tensor<500xf32>
%d91 = nn.constant dense<0.999> : tensor<500xf32>
%d11 = nn.constant dense<0.001> : tensor<500xf32>
%ep1 = nn.constant dense<1.0e-8> : tensor<500xf32>
%rb1 = nn.broadcast %rate dimensions [] : tensor<f32> -> tensor<500xf32>
%q1b1 = nn.broadcast %q1 dimensions [] : tensor<f32> -> tensor<500xf32>
%q2b1 = nn.broadcast %q2 dimensions [] : tensor<f32> -> tensor<500xf32>
%ma1 = nn.mul %c91, %m1 : tensor<500xf32>
%mb1 = nn.mul %c11, %g1 : tensor<500xf32>
%mn1 = nn.add %ma1, %mb1 : tensor<500xf32>
%sq1 = nn.mul %g1, %g1 : tensor<500xf32>
%va1 = nn.mul %d91, %v1 : tensor<500xf32>
%vb1 = nn.mul %d11, %sq1 : tensor<500xf32>
%vn1 = nn.add %va1, %vb1 : tensor<500xf32>
%mh1 = nn.div %mn1, %q1b1 : tensor<500xf32>
%vh1 = nn.div %vn1, %q2b1 : tensor<500xf32>
%sr1 = nn.sqrt %vh1 : tensor<500xf32>
%de1 = nn.add %sr1, %ep1 : tensor<500xf32>
%up1 = nn.mul %rb1, %mh1 : tensor<500xf32>
%qu1 = nn.div %up1, %de1 : tensor<500xf32>
%n1 = nn.sub %p1, %qu1 : tensor<500xf32>
%c92 = nn.constant dense<0.9> : tensor<37x10xf32>
%c12 = nn.constant dense<0.1> : tensor<37x10xf32>
%d92 = nn.constant dense<0.999> : tensor<37x10xf32>
%d12 = nn.constant dense<0.001> : tensor<37x10xf32>
%ep2 = nn.constant dense<1.0e-8> : tensor<37x10xf32>
%rb2 = nn.broadcast %rate dimensions [] : tensor<f32> -> tensor<37x10xf32>
%q1b2 = nn.broadcast %q1 dimensions [] : tensor<f32> -> tensor<37x10xf32>
%q2b2 = nn.broadcast %q2 dimensions [] : tensor<f32> -> tensor<37x10xf32>
%ma2 = nn.mul %c92, %m2 : tensor<37x10xf32>
%mb2 = nn.mul %c12, %g2 : tensor<37x10xf32>
%mn2 = nn.add %ma2, %mb2 : tensor<37x10xf32>
%sq2 = nn.mul %g2, %g2 : tensor<37x10xf32>
%va2 = nn.mul %d92, %v2 : tensor<37x10xf32>
%vb2 = nn.mul %d12, %sq2 : tensor<37x10xf32>
%vn2 = nn.add %va2, %vb2 : tensor<37x10xf32>
%mh2 = nn.div %mn2, %q1b2 : tensor<37x10xf32>
%vh2 = nn.div %vn2, %q2b2 : tensor<37x10xf32>
%sr2 = nn.sqrt %vh2 : tensor<37x10xf32>
%de2 = nn.add %sr2, %ep2 : tensor<37x10xf32>
%up2 = nn.mul %rb2, %mh2 : tensor<37x10xf32>
%qu2 = nn.div %up2, %de2 : tensor<37x10xf32>
%n2 = nn.sub %p2, %qu2 : tensor<37x10xf32>
return %t1, %n0, %mn0, %vn0, %n1, %mn1, %vn1, %n2, %mn2, %vn2 : tensor<i32>, tensor<5x5x1x20xf32>, tensor<5x5x1x20xf32>, tensor<5x5x1x20xf32>, tensor<500xf32>, tensor<500xf32>, tensor<500xf32>, tensor<37x10xf32>, tensor<37x10xf32>, tensor<37x10xf32>
}

// -----

// CHECK-LABEL: func.func @momentum(
// CHECK: %[[U:.*]]:5 = nn.kernel loop(
// CHECK-NOT: nn.kernel
// CHECK: return %[[U]]#0
func.func @momentum(%rate: tensor<f32>, %t: tensor<i32>, %p0: tensor<5x5x1x20xf32>, %g0: tensor<5x5x1x20xf32>, %m0: tensor<5x5x1x20xf32>, %v0: tensor<5x5x1x20xf32>, %p1: tensor<500xf32>, %g1: tensor<500xf32>, %m1: tensor<500xf32>, %v1: tensor<500xf32>) -> (tensor<i32>, tensor<5x5x1x20xf32>, tensor<5x5x1x20xf32>, tensor<500xf32>, tensor<500xf32>) {
%one_i = nn.constant dense<1> : tensor<i32>
%t1 = nn.add %t, %one_i : tensor<i32>
%tf = nn.convert %t1 : tensor<i32> -> tensor<f32>
%b1 = nn.constant dense<0.9> : tensor<f32>
%b2 = nn.constant dense<0.999> : tensor<f32>
%one = nn.constant dense<1.0> : tensor<f32>
%pw1 = nn.pow %b1, %tf : tensor<f32>
%pw2 = nn.pow %b2, %tf : tensor<f32>
%q1 = nn.sub %one, %pw1 : tensor<f32>
%q2 = nn.sub %one, %pw2 : tensor<f32>
%c90 = nn.constant dense<0.9> : tensor<5x5x1x20xf32>
%c10 = nn.constant dense<0.1> : tensor<5x5x1x20xf32>
%d90 = nn.constant dense<0.999> : tensor<5x5x1x20xf32>
%d10 = nn.constant dense<0.001> : tensor<5x5x1x20xf32>
%ep0 = nn.constant dense<1.0e-8> : tensor<5x5x1x20xf32>
%rb0 = nn.broadcast %rate dimensions [] : tensor<f32> -> tensor<5x5x1x20xf32>
%mm0 = nn.mul %c90, %m0 : tensor<5x5x1x20xf32>
%v_0 = nn.add %mm0, %g0 : tensor<5x5x1x20xf32>
%st0 = nn.mul %rb0, %v_0 : tensor<5x5x1x20xf32>
%n0 = nn.sub %p0, %st0 : tensor<5x5x1x20xf32>
%c91 = nn.constant dense<0.9> : tensor<500xf32>
%c11 = nn.constant dense<0.1> : tensor<500xf32>
%d91 = nn.constant dense<0.999> : tensor<500xf32>
%d11 = nn.constant dense<0.001> : tensor<500xf32>
%ep1 = nn.constant dense<1.0e-8> : tensor<500xf32>
%rb1 = nn.broadcast %rate dimensions [] : tensor<f32> -> tensor<500xf32>
%mm1 = nn.mul %c91, %m1 : tensor<500xf32>
%v_1 = nn.add %mm1, %g1 : tensor<500xf32>
%st1 = nn.mul %rb1, %v_1 : tensor<500xf32>
%n1 = nn.sub %p1, %st1 : tensor<500xf32>
return %t1, %n0, %v_0, %n1, %v_1 : tensor<i32>, tensor<5x5x1x20xf32>, tensor<5x5x1x20xf32>, tensor<500xf32>, tensor<500xf32>
}
