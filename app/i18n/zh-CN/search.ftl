# What is wrong with the filters of a search, on every face.

search-filter-empty = { $filter }: 后面要写内容，例如 { $filter ->
    [from] from:alice
    [in] in:lobby
   *[other] { $filter }:2026-11-21
}

search-filter-twice = { $filter }: 只能出现一次

search-nobody = from:{ $typed }：这里不认识叫这个名字的人

search-many-people = “{ $typed }”可能是好几个人，请改用指纹：{ $fingerprints }

search-no-place = in:{ $typed }：这里没有叫这个名字的房间或联系人

search-not-a-day = { $typed } 不是日期，请写成 2026-11-21 的样子

search-list-comma = 、
