! SPDX-License-Identifier: BSL-1.0
! The sum of 1 to n by a recursion that holds an array of `width` numbers on the stack at each step.
recursive subroutine deep_sum(n, width, total) bind(c)
  use, intrinsic :: iso_c_binding
  implicit none
  integer(c_int), intent(in), value :: n, width
  real(c_double), intent(out) :: total
  real(c_double) :: values(width), below
  integer :: i
  do i = 1, width
    values(i) = real(n, c_double) / width
  end do
  below = 0
  if (n > 1) call deep_sum(n - 1, width, below)
  total = below + sum(values)
end subroutine
