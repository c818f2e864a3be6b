// PEs of kind `broadcast`: the non-zero elements of a moving vector go, one a cycle, to all PEs, each with a FIFO before its compressed columns.

// One PE: a FIFO of DEPTH tokens and a sparse matrix, column by column. An entry is a weight and the zeros before it (relative index);
// gaps that the index cannot hold have padding entries of weight 0. An entry takes a cycle, and so does a column without entries.
module broadcast_pe #(
    parameter DEPTH = 8,
    parameter COLUMNS = 16,
    parameter ROWS = 16,
    parameter ENTRIES = 256,
    parameter INDEX_BITS = 4,
    parameter DATA_BITS = 8,
    parameter SUM_BITS = 32,
    localparam COLUMN_BITS = $clog2(COLUMNS + 1),
    localparam ENTRY_BITS = $clog2(ENTRIES + 1),
    localparam ROW_BITS = $clog2(ROWS + (1 << INDEX_BITS) + 1)
) (
    input  logic                        clk,
    input  logic                        rst,
    // Column c has the entries from pointer c on, below pointer c + 1.
    input  logic                        load_pointer,
    input  logic [COLUMN_BITS-1:0]      load_column,
    input  logic [ENTRY_BITS-1:0]       load_first,
    input  logic                        load_entry,
    input  logic [ENTRY_BITS-1:0]       load_place,
    input  logic signed [DATA_BITS-1:0] load_weight,
    input  logic [INDEX_BITS-1:0]       load_zeros,
    input  logic                        start,
    // The broadcast: `token` only while no PE is full.
    input  logic                        token,
    input  logic [COLUMN_BITS-1:0]      token_column,
    input  logic signed [DATA_BITS-1:0] token_value,
    output logic                        full,
    output logic                        empty,
    input  logic [ROW_BITS-1:0]         sum_row,
    output logic signed [SUM_BITS-1:0]  sum
);
  localparam SLOT_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam COUNT_BITS = $clog2(DEPTH + 1);

  logic [ENTRY_BITS-1:0] pointers[0:COLUMNS];
  logic signed [DATA_BITS-1:0] weights[0:ENTRIES-1];
  logic [INDEX_BITS-1:0] zeros[0:ENTRIES-1];
  logic signed [SUM_BITS-1:0] sums[0:ROWS-1];

  logic [COLUMN_BITS-1:0] columns[0:DEPTH-1];
  logic signed [DATA_BITS-1:0] values[0:DEPTH-1];
  logic [SLOT_BITS-1:0] head, tail;
  logic [COUNT_BITS-1:0] count;  // tokens that came and are not done: the one in service holds its slot

  logic [ENTRY_BITS-1:0] served;  // entries of the token in service that are done
  logic [ROW_BITS-1:0] behind;    // the row behind the last of them

  // A token that finds the PE idle is served at once.
  logic [COLUMN_BITS-1:0] column;
  logic signed [DATA_BITS-1:0] value;
  logic active, stored, last;
  logic [ENTRY_BITS-1:0] place, stop;
  logic [ROW_BITS-1:0] row;

  assign empty = count == 0;
  assign full = count == DEPTH;
  assign active = !empty || token;
  assign column = empty ? token_column : columns[head];
  assign value = empty ? token_value : values[head];
  assign place = pointers[column] + served;
  assign stop = pointers[column+1'b1];
  assign stored = place < stop;
  assign last = place + 1'b1 >= stop;
  assign row = (served == 0 ? {ROW_BITS{1'b0}} : behind) + zeros[place];
  assign sum = sums[sum_row];

  function automatic logic [SLOT_BITS-1:0] following(input logic [SLOT_BITS-1:0] slot);
    following = slot == DEPTH - 1 ? {SLOT_BITS{1'b0}} : slot + 1'b1;
  endfunction

  integer i;
  always_ff @(posedge clk) begin
    if (load_pointer) pointers[load_column] <= load_first;
    if (load_entry) begin
      weights[load_place] <= load_weight;
      zeros[load_place] <= load_zeros;
    end
    if (rst || start) begin
      head <= 0;
      tail <= 0;
      count <= 0;
      served <= 0;
      for (i = 0; i < ROWS; i = i + 1) sums[i] <= 0;
    end else begin
      if (token) begin
        columns[tail] <= token_column;
        values[tail] <= token_value;
        tail <= following(tail);
      end
      if (active) begin
        served <= last ? {ENTRY_BITS{1'b0}} : served + 1'b1;
        behind <= row + 1'b1;
        if (stored) sums[row] <= sums[row] + weights[place] * value;
        if (last) head <= following(head);
      end
      count <= count + token - (active && last);
    end
  end
endmodule

// The moving vector, the search for its next non-zero element, and the PEs. PE p has bits [p*B +: B] of every packed port.
module broadcast_array #(
    parameter PES = 4,
    parameter DEPTH = 8,
    parameter COLUMNS = 16,
    parameter ROWS = 16,
    parameter ENTRIES = 256,
    parameter INDEX_BITS = 4,
    parameter DATA_BITS = 8,
    parameter SUM_BITS = 32,
    localparam COLUMN_BITS = $clog2(COLUMNS + 1),
    localparam ENTRY_BITS = $clog2(ENTRIES + 1),
    localparam ROW_BITS = $clog2(ROWS + (1 << INDEX_BITS) + 1)
) (
    input  logic                         clk,
    input  logic                         rst,
    input  logic                         load_pointer,
    input  logic [COLUMN_BITS-1:0]       load_column,
    input  logic [PES*ENTRY_BITS-1:0]    load_first,
    input  logic                         load_entry,
    input  logic [ENTRY_BITS-1:0]        load_place,
    input  logic [PES*DATA_BITS-1:0]     load_weight,
    input  logic [PES*INDEX_BITS-1:0]    load_zeros,
    // The first token may go in the cycle that begins at the edge that sees `start`.
    input  logic                         start,
    input  logic [COLUMNS*DATA_BITS-1:0] start_vector,
    output logic                         done,
    input  logic [ROW_BITS-1:0]          sum_row,
    output logic [PES*SUM_BITS-1:0]      sums
);
  logic [COLUMNS*DATA_BITS-1:0] vector;
  logic [COLUMNS-1:0] waiting;  // non-zero elements that were not broadcast yet
  logic [PES-1:0] full, empty;

  logic token;
  logic [COLUMN_BITS-1:0] column;

  assign token = |waiting && !(|full);
  assign done = !(|waiting) && &empty;

  integer i;
  always_comb begin
    column = {COLUMN_BITS{1'b0}};
    for (i = COLUMNS - 1; i >= 0; i = i - 1) if (waiting[i]) column = i;
  end

  integer j;
  always_ff @(posedge clk) begin
    if (rst) waiting <= {COLUMNS{1'b0}};
    else if (start) begin
      vector <= start_vector;
      for (j = 0; j < COLUMNS; j = j + 1) waiting[j] <= |start_vector[j*DATA_BITS+:DATA_BITS];
    end else if (token) waiting[column] <= 1'b0;
  end

  genvar pe;
  generate
    for (pe = 0; pe < PES; pe = pe + 1) begin : pes
      broadcast_pe #(
          .DEPTH(DEPTH),
          .COLUMNS(COLUMNS),
          .ROWS(ROWS),
          .ENTRIES(ENTRIES),
          .INDEX_BITS(INDEX_BITS),
          .DATA_BITS(DATA_BITS),
          .SUM_BITS(SUM_BITS)
      ) one (
          .clk(clk),
          .rst(rst),
          .load_pointer(load_pointer),
          .load_column(load_column),
          .load_first(load_first[pe*ENTRY_BITS+:ENTRY_BITS]),
          .load_entry(load_entry),
          .load_place(load_place),
          .load_weight(load_weight[pe*DATA_BITS+:DATA_BITS]),
          .load_zeros(load_zeros[pe*INDEX_BITS+:INDEX_BITS]),
          .start(start),
          .token(token),
          .token_column(column),
          .token_value(vector[column*DATA_BITS+:DATA_BITS]),
          .full(full[pe]),
          .empty(empty[pe]),
          .sum_row(sum_row),
          .sum(sums[pe*SUM_BITS+:SUM_BITS])
      );
    end
  endgenerate
endmodule
