"""What a study will cost before anything is spent: measured rates times the sizes that its file asks for."""
