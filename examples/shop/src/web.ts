import express from 'express';
import { allProducts, findProduct } from './catalog.ts';
import { port } from './config.ts';
import { productList, productPage } from './views/products.ts';

const app = express();

app.get('/', (_request, response) => {
  response.send(productList(allProducts()));
});

app.get('/products/:id', (request, response) => {
  const product = findProduct(request.params.id);
  if (product) response.send(productPage(product));
  else response.status(404).send('No such product');
});

app.get('/api/products', (_request, response) => {
  response.json(allProducts());
});

// Takes a while on purpose: reload while it runs, and it is still answered.
app.get('/slow', (_request, response) => {
  setTimeout(() => response.send(`Done, by process ${process.pid}\n`), 3000);
});

app.listen(port, () => {
  console.log(`listening on http://localhost:${port}`);
});
