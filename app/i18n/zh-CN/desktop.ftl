members-count = { $count } 名成员
