export interface Product {
  id: string;
  title: string;
  cents: number;
}

// Change a price and save: the next request shows it.
const products: Product[] = [
  { id: 'teapot', title: 'Teapot, short and stout', cents: 1899 },
  { id: 'ladder', title: 'Ladder, seven steps', cents: 4950 },
  { id: 'marbles', title: 'Marbles, a bag of twenty', cents: 350 },
];

export function allProducts(): Product[] {
  return products;
}

export function findProduct(id: string): Product | undefined {
  return products.find((product) => product.id === id);
}
