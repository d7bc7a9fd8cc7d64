members-count = { $count ->
    [one] 1 member
   *[other] { $count } members
}
