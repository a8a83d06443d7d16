#!/usr/bin/perl
# Signatures of a later day: what is held or was delivered and kept is looked at again; what was
# delivered is kept as long as the settings say and no longer.
use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter eicar);
use Poterne::Process qw(wait_until);

my ( $jean, $claire ) = map { "$_\@rescan.example" } qw(jean claire);
my $root = tempdir( 'poterne-rescan-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
make_path("$root/clamav");
copy( $_, "$root/clamav/" ) or die "$_: $!\n" for glob 'antivirus/demo/clamav/*';

# Signatures beside EICAR's: name => bytes to find.
sub write_signatures {
    my (%bytes) = @_;
    my $text = join '', map { "$_:0:*:" . unpack( 'H*', $bytes{$_} ) . "\n" } sort keys %bytes;
    Poterne::Gateway::write_file( "$root/clamav/own.ndb", $text );
    return;
}

write_signatures( 'Known.Today' => 'bytes that are bad for now' );
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        antivirus  => { engines => '{ clamav }', clamav_databases => qq("$root/clamav") },
        quarantine => { keep_originals => '1d' }
    },
    domains  => {
        'rescan.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [ $jean, $claire ] }
    }
)->start;

sub send_mail {
    my ( $mail, @to ) = @_;
    my $result = $gateway->send_one( from => 'x@remote.example', to => \@to, data => \$mail );
    my ($id) = ( $result->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/ or die "not taken: $result->{text}\n";
    return $id;
}

my $held = send_mail( letter( $jean, 'One', "these are bytes that are bad for now, they say\n" ), $jean );
my $virus = send_mail( eicar($jean), $jean );
my $late = send_mail( letter( $jean, 'Two', "and bytes that nobody knows of yet\n" ), $jean, $claire );
my $plain = send_mail( letter( $jean, 'Three', "nothing is wrong with it\n" ), $jean );
ok( wait_until( 15, sub { $gateway->spooled('kept') == 2 && !$gateway->spooled('queue') } ), 'what is delivered is kept' );
is_deeply( [ sort $gateway->spooled('kept') ], [ sort $late, $plain ], 'and nothing else' );
is_deeply( [ sort $gateway->spooled('quarantine') ], [ sort $held, $virus ], 'two are held' );

my ( $status, $said ) = $gateway->poterne('rescan');
is( $status, 0, 'nothing is new' ) or diag($said);
like( $said, qr/^4 looked at: 0 now infected, 0 no longer, 0 could not be scanned$/m, 'all were looked at' );

write_signatures( 'Known.Later' => 'bytes that nobody knows of yet' );
ok( $gateway->reload, 'other signatures' );
my %found = map { $_->{id} => $_ } $gateway->poterne_json('rescan');
is_deeply( [ sort keys %found ], [ sort $held, $late ], 'two are not what they were' );
is( $found{$held}{result}, 'no longer infected', 'one is harmless, it seems' );
is( $found{$late}{result}, 'now infected', 'one is known as bad now' );
is( $found{$late}{place}, 'kept', 'which was delivered' );
like( $found{$late}{signature}, qr/Known\.Later/, 'with its name' );
is_deeply( [ map { "$_->{address} $_->{state}" } @{ $found{$late}{recipients} } ],
    [ "$jean delivered", "$claire delivered" ], 'and who received it' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'rescan' );
is( $status, 1, 'something is infected now' );
like( $said, qr/^$late .*delivered, now infected.*\n.*found.*Known\.Later.*\n  to +\Q$jean\E  delivered \d{4}.*\n  to +\Q$claire\E  delivered/m, 'in words' );
like( $said, qr/^2 copies of what is now infected were delivered/m, 'counted' );
is_deeply( [ sort $gateway->spooled('quarantine') ], [ sort $held, $virus ], 'nothing is released by it' );

( $status, $said ) = $gateway->poterne( 'quarantine', 'release', $held );
is( $status, 0, 'what is no longer infected is released without force' ) or diag($said);
ok( wait_until( 15, sub { $gateway->maildir_messages($jean) == 3 } ), 'and comes' );
ok( wait_until( 15, sub { $gateway->spooled('kept') == 3 } ), 'it is kept, too' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'delete', $virus );
ok( wait_until( 15, sub { !$gateway->spooled('quarantine') } ), 'what is deleted' );
is( scalar $gateway->spooled('kept'), 3, 'is not kept' );

$gateway->{settings}{quarantine}{originals_size_limit} = '1M';
$gateway->write_conf;
ok( $gateway->reload, 'not more than so many bytes are kept' );
my @large = map { send_mail( letter( $jean, "Large $_", "some text that is long\n" x 18_000 ), $jean ) } 1 .. 4;
ok( wait_until( 30, sub { $gateway->maildir_messages($jean) == 7 && !$gateway->spooled('queue') } ), 'four large ones come' );
ok( wait_until( 30, sub { $gateway->spooled('kept') <= 2 } ), 'the oldest go' );
is_deeply( [ sort $gateway->spooled('kept') ], [ sort @large[ 2, 3 ] ], 'the newest stay' );

$gateway->{settings}{quarantine}{keep_originals} = '0';
$gateway->write_conf;
ok( $gateway->reload, 'nothing is to be kept any more' );
ok( wait_until( 30, sub { !$gateway->spooled('kept') } ), 'then what was kept goes' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
( $status, $said ) = $gateway->poterne('rescan');
is( $status, 0, 'with nothing to look at nobody is asked' );
done_testing();
