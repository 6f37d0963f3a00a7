import type { Product } from '../catalog.ts';
import { escapeHtml, layout } from './layout.ts';

export function productList(products: Product[]): string {
  const items = products.map(
    (product) => `<li><a href="/products/${product.id}">${escapeHtml(product.title)}</a></li>`,
  );
  return layout('Welcome', `<ul>${items.join('')}</ul>`);
}

export function productPage(product: Product): string {
  return layout(product.title, `<p>${price(product.cents)}</p><p><a href="/">All products</a></p>`);
}

function price(cents: number): string {
  return `${(cents / 100).toFixed(2)} EUR`;
}
