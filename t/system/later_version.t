#!/usr/bin/perl
# Files in queue/ and quarantine/ that a later version wrote: they are for that version, which may come
# back. They stay where they are, which is said once, and other mail goes on.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(wait_until);

use constant SWEEP => 5;    # DELIVERY_SWEEP_SECONDS

my $to = 'jean@later.example';
my $root = tempdir( 'poterne-later-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { antivirus => { engines => '{ }' }, journal => { audit => 'no' } },    # which names them, too
    domains  => { 'later.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;
$gateway->stop;

sub crc32c {
    my ($bytes) = @_;
    my $crc = 0xffffffff;
    for my $byte ( unpack 'C*', $bytes ) {
        $crc ^= $byte;
        $crc = $crc & 1 ? ( $crc >> 1 ) ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
    }
    return $crc ^ 0xffffffff;
}

# spool/format.h: of the header's 64 bytes these mean the same in every version.
my %later = ( queue => '01ARZ3NDEKTSV4RRFFQ69G5FAW', quarantine => '01ARZ3NDEKTSV4RRFFQ69G5FAX' );
my $head = pack 'a8 V x48', "poterne\n", 99;
for my $folder ( sort keys %later ) {
    my $path = "$root/state/$folder/$later{$folder}";
    Poterne::Gateway::write_file( $path, $head . pack 'V', crc32c($head) );
    chmod 0660, $path;
    chown( ( stat "$root/state/$folder" )[ 4, 5 ], $path );
}

my $from = length $gateway->log_text;
$gateway->start;
for my $folder ( sort keys %later ) {
    ok( $gateway->wait_for_log( qr{$folder/$later{$folder}: written by a later poterne \(version 99}, $from, 20 ), "$folder/: the log names it" );
}
my $message = letter($to);
is( $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code}, 250, 'mail goes on' );
ok( wait_until( 20, sub { join( ' ', $gateway->spooled('queue') ) eq $later{queue} } ), '… and is delivered' );

sleep 2 * SWEEP + 1;
my @lines = grep { /later poterne/ } split /^/, substr $gateway->log_text, $from;
is( scalar @lines, 2, 'each is spoken of once' );
like( $_, qr/stays there and is not delivered: install/, '… with what to do' ) for @lines;
is_deeply( { map { ( $_ => join ' ', $gateway->spooled($_) ) } keys %later }, \%later, 'both stay' );
is( scalar( () = $gateway->spooled('corrupt') ), 0, '… and none is set aside' );

my ( $status, $said ) = $gateway->poterne('queue');
like( $said, qr/later poterne/, '`poterne queue` says it, too' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
