package franz

// TimeOf is timeOf, for times that only brokers' other clients can write.
var TimeOf = timeOf
