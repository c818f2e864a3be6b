// A PE of kind `coupled`: 16 lanes over a staging buffer of 3 rows; lanes take pairs of their own and of neighbouring lanes; one sum for all.
// Bit r * 16 + i of a 48-bit mask is lane i's place in row r of the staging buffer.

// What one lane takes: the first of its eight places that has a pair.
module staging_lane #(
    parameter LANE = 0
) (
    input  logic [47:0] pending,
    output logic        takes,
    output logic [5:0]  place,
    output logic [47:0] chosen   // `place` as a mask, empty when it takes nothing
);
  localparam [5:0] P0 = LANE;
  localparam [5:0] P1 = 16 + LANE;
  localparam [5:0] P2 = 32 + LANE;
  localparam [5:0] P3 = 16 + (LANE + 15) % 16;
  localparam [5:0] P4 = 16 + (LANE + 1) % 16;
  localparam [5:0] P5 = 32 + (LANE + 14) % 16;
  localparam [5:0] P6 = 32 + (LANE + 2) % 16;
  localparam [5:0] P7 = 16 + (LANE + 13) % 16;

  assign takes = pending[P0] | pending[P1] | pending[P2] | pending[P3] | pending[P4] | pending[P5] | pending[P6] | pending[P7];
  assign place = pending[P0] ? P0 : pending[P1] ? P1 : pending[P2] ? P2 : pending[P3] ? P3 : pending[P4] ? P4 : pending[P5] ? P5
      : pending[P6] ? P6 : P7;
  assign chosen = takes ? 48'b1 << place : 48'b0;
endmodule

// What all lanes take in a cycle. They are served in six levels; no two lanes of a level have a place in common, so a level works at once.
module staging_scheduler (
    input  logic [47:0] pending,
    output logic [15:0] takes,
    output logic [95:0] places,  // lane i's in bits [i*6 +: 6]
    output logic [47:0] left,
    output logic [1:0]  advance  // leading rows that are empty then, 1 to 3
);
  genvar level, turn;
  generate
    for (level = 0; level < 6; level = level + 1) begin : levels
      logic [47:0] offered, rest;
      logic [3*48-1:0] chosen;
      for (turn = 0; turn < 3; turn = turn + 1) begin : lanes
        if (level < 5 || turn == 2) begin : lane  // the sixth level is lane 15 alone
          staging_lane #(
              .LANE(level + turn * 5)
          ) one (
              .pending(offered),
              .takes(takes[level+turn*5]),
              .place(places[(level+turn*5)*6+:6]),
              .chosen(chosen[turn*48+:48])
          );
        end else assign chosen[turn*48+:48] = 48'b0;
      end
      if (level == 0) assign offered = pending;
      else assign offered = levels[level-1].rest;
      assign rest = offered & ~(chosen[47:0] | chosen[95:48] | chosen[143:96]);
    end
  endgenerate

  assign left = levels[5].rest;
  // Row 0 is always empty then: its places are every lane's first ones and no other lane's.
  assign advance = |left[31:16] ? 2'd1 : |left[47:32] ? 2'd2 : 2'd3;
endmodule

module staging_pe #(
    parameter MAX_ROWS = 64,
    parameter DATA_BITS = 8,
    parameter SUM_BITS = 32,
    localparam ROW_BITS = $clog2(MAX_ROWS + 6),
    localparam WIDTH = 16 * DATA_BITS
) (
    input  logic                       clk,
    input  logic                       rst,
    // One row a cycle, before the start: lane i in bits [i*DATA_BITS +: DATA_BITS].
    input  logic                       load,
    input  logic [ROW_BITS-1:0]        load_row,
    input  logic [WIDTH-1:0]           load_moving,
    input  logic [WIDTH-1:0]           load_stationary,
    // The tile begins at the edge that sees `start`, with its first rows in the staging buffer.
    input  logic                       start,
    input  logic [ROW_BITS-1:0]        start_rows,
    output logic                       done,
    output logic signed [SUM_BITS-1:0] sum
);
  logic [WIDTH-1:0] moving[0:MAX_ROWS-1];
  logic [WIDTH-1:0] stationary[0:MAX_ROWS-1];
  logic [15:0] pairs[0:MAX_ROWS-1];

  // The staging buffer: its row r is row `first` + r of the stream, without pairs behind the last row.
  logic [3*WIDTH-1:0] staged_moving, staged_stationary;
  logic [47:0] pending;
  logic [ROW_BITS-1:0] first, rows;

  logic [15:0] takes;
  logic [95:0] places;
  logic [47:0] left;
  logic [1:0] advance;

  staging_scheduler scheduler (
      .pending(pending),
      .takes(takes),
      .places(places),
      .left(left),
      .advance(advance)
  );

  assign done = first >= rows;

  function automatic logic [15:0] effectual(input logic [WIDTH-1:0] a, input logic [WIDTH-1:0] b);
    integer i;
    for (i = 0; i < 16; i = i + 1) effectual[i] = |a[i*DATA_BITS+:DATA_BITS] && |b[i*DATA_BITS+:DATA_BITS];
  endfunction

  // The 16 multipliers and their adder tree.
  function automatic logic signed [SUM_BITS-1:0] products(input logic [3*WIDTH-1:0] a, input logic [3*WIDTH-1:0] b);
    integer i;
    logic signed [DATA_BITS-1:0] x, y;
    products = 0;
    for (i = 0; i < 16; i = i + 1) begin
      x = a[places[i*6+:6]*DATA_BITS+:DATA_BITS];
      y = b[places[i*6+:6]*DATA_BITS+:DATA_BITS];
      if (takes[i]) products = products + x * y;
    end
  endfunction

  integer row;
  always_ff @(posedge clk) begin
    if (load) begin
      moving[load_row] <= load_moving;
      stationary[load_row] <= load_stationary;
      pairs[load_row] <= effectual(load_moving, load_stationary);
    end
    if (rst) begin
      first <= 0;
      rows <= 0;
      pending <= 48'b0;
      sum <= 0;
    end else if (start) begin
      first <= 0;
      rows <= start_rows;
      sum <= 0;
      for (row = 0; row < 3; row = row + 1) begin
        staged_moving[row*WIDTH+:WIDTH] <= moving[row];
        staged_stationary[row*WIDTH+:WIDTH] <= stationary[row];
        pending[row*16+:16] <= row < start_rows ? pairs[row] : 16'b0;
      end
    end else if (!done) begin
      first <= first + advance;
      sum <= sum + products(staged_moving, staged_stationary);
      // Rows that stay move to the front, the next rows of the stream fill the rest.
      for (row = 0; row < 3; row = row + 1) begin
        if (row + advance < 3) begin
          staged_moving[row*WIDTH+:WIDTH] <= staged_moving[(row+advance)*WIDTH+:WIDTH];
          staged_stationary[row*WIDTH+:WIDTH] <= staged_stationary[(row+advance)*WIDTH+:WIDTH];
          pending[row*16+:16] <= left[(row+advance)*16+:16];
        end else begin
          staged_moving[row*WIDTH+:WIDTH] <= moving[first+advance+row];
          staged_stationary[row*WIDTH+:WIDTH] <= stationary[first+advance+row];
          pending[row*16+:16] <= first + advance + row < rows ? pairs[first+advance+row] : 16'b0;
        end
      end
    end
  end
endmodule
